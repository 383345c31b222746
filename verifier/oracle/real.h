// The number type of references: a value in double, and the variance of the rounding errors that the task's declared
// precision makes on the way to it. docs/verdicts.md derives the rule.
//
// This text is compiled into every oracle, by g++ and by NVRTC (without the includes); the code above it defines
//   constexpr double kopt_multiply_roundoff, kopt_accumulate_roundoff;
// Per operation the variances of the operands are carried over by first derivatives, and (u |v|)^2 / 3 is added: u is
// the roundoff of `multiply` for products, of `accumulate` for everything else that rounds. Copies, signs, min, max,
// comparisons, floor and the like round nothing, and int, long long and double operands are exact.
//
// Values follow IEEE 754. The variance of a non-finite value has no meaning: it is dropped by the functions that make
// finite values of infinite ones, and where a result is stored (kopt_settled).
#ifndef KOPT_REAL_H
#define KOPT_REAL_H

#include <cmath>
#include <cstdlib>
#include <limits>
#include <type_traits>

inline constexpr double kopt_multiply_variance = kopt_multiply_roundoff * kopt_multiply_roundoff / 3;
inline constexpr double kopt_accumulate_variance = kopt_accumulate_roundoff * kopt_accumulate_roundoff / 3;
inline constexpr double kopt_largest = std::numeric_limits<double>::max();

template <class T>
concept kopt_arithmetic = std::is_arithmetic_v<T>;

// a * b + c, fused where the machine can: for variances only, so that values do not depend on it.
inline double kopt_muladd(double a, double b, double c) {
#if defined(__FMA__) || defined(__CUDA_ARCH__)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

struct real {
  double v = 0;  // value
  double s = 0;  // variance

  constexpr real() = default;
  constexpr real(const real&) = default;
  constexpr real& operator=(const real&) & = default;  // not to what an input returns: x(i) = 1 is an error
  template <kopt_arithmetic T>
  constexpr real(T x) : v(static_cast<double>(x)) {}
  constexpr real(double value, double variance) : v(value), s(variance) {}

  template <kopt_arithmetic T>
  explicit constexpr operator T() const {
    return static_cast<T>(v);
  }
};

// ---- arithmetic ----

inline real operator+(real a) { return a; }
inline real operator-(real a) { return real(-a.v, a.s); }

inline real kopt_sum(double v, double s) { return real(v, kopt_muladd(kopt_accumulate_variance, v * v, s)); }
inline real operator+(real a, real b) { return kopt_sum(a.v + b.v, a.s + b.s); }
inline real operator+(real a, double b) { return kopt_sum(a.v + b, a.s); }
inline real operator+(double a, real b) { return kopt_sum(a + b.v, b.s); }
inline real operator-(real a, real b) { return kopt_sum(a.v - b.v, a.s + b.s); }
inline real operator-(real a, double b) { return kopt_sum(a.v - b, a.s); }
inline real operator-(double a, real b) { return kopt_sum(a - b.v, b.s); }

// With the term a.s * b.s: two factors that should be 0 but are not quite make a product that is not quite 0.
inline real operator*(real a, real b) {
  const double v = a.v * b.v;
  const double rest = kopt_muladd(b.s, a.v * a.v, kopt_multiply_variance * (v * v));
  return real(v, kopt_muladd(a.s, kopt_muladd(b.v, b.v, b.s), rest));
}
inline real operator*(real a, double b) {
  const double v = a.v * b;
  return real(v, kopt_muladd(a.s, b * b, kopt_multiply_variance * (v * v)));
}
inline real operator*(double a, real b) { return b * a; }

inline real operator/(real a, real b) {
  const double v = a.v / b.v;
  const double s = kopt_muladd(kopt_accumulate_variance, v * v, kopt_muladd(v * v, b.s, a.s) / (b.v * b.v));
  return real(v, std::fabs(b.v) <= kopt_largest ? s : 0);
}
inline real operator/(real a, double b) { return a / real(b); }
inline real operator/(double a, real b) { return real(a) / b; }

template <class T>
real& operator+=(real& a, const T& b) {
  return a = a + b;
}
template <class T>
real& operator-=(real& a, const T& b) {
  return a = a - b;
}
template <class T>
real& operator*=(real& a, const T& b) {
  return a = a * b;
}
template <class T>
real& operator/=(real& a, const T& b) {
  return a = a / b;
}

// ---- by value ----

inline bool operator==(real a, real b) { return a.v == b.v; }
inline bool operator!=(real a, real b) { return a.v != b.v; }
inline bool operator<(real a, real b) { return a.v < b.v; }
inline bool operator<=(real a, real b) { return a.v <= b.v; }
inline bool operator>(real a, real b) { return a.v > b.v; }
inline bool operator>=(real a, real b) { return a.v >= b.v; }

using std::abs;
using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;
inline bool isnan(real a) { return a.v != a.v; }
inline bool isinf(real a) { return std::fabs(a.v) > kopt_largest; }
inline bool isfinite(real a) { return std::fabs(a.v) <= kopt_largest; }
inline bool signbit(real a) { return std::signbit(a.v); }

inline real select(bool condition, real a, real b) { return condition ? a : b; }

// A NaN loses against a number, as in fmax.
inline real max(real a, real b) { return ((a.v < b.v) | (a.v != a.v)) ? b : a; }
inline real min(real a, real b) { return ((b.v < a.v) | (a.v != a.v)) ? b : a; }
inline real fmax(real a, real b) { return max(a, b); }
inline real fmin(real a, real b) { return min(a, b); }
inline real clamp(real x, real low, real high) { return min(max(x, low), high); }
template <kopt_arithmetic A, kopt_arithmetic B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  return T(a) < T(b) || T(a) != T(a) ? T(b) : T(a);
}
template <kopt_arithmetic A, kopt_arithmetic B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  return T(b) < T(a) || T(a) != T(a) ? T(b) : T(a);
}
constexpr long long max(long long a, long long b) { return a < b ? b : a; }
constexpr long long min(long long a, long long b) { return b < a ? b : a; }

inline real abs(real a) { return real(std::fabs(a.v), a.s); }
inline real fabs(real a) { return abs(a); }
inline real copysign(real a, real b) { return real(std::copysign(a.v, b.v), a.s); }
inline real floor(real a) { return std::floor(a.v); }
inline real ceil(real a) { return std::ceil(a.v); }
inline real trunc(real a) { return std::trunc(a.v); }
inline real round(real a) { return std::round(a.v); }
inline real rint(real a) { return std::nearbyint(a.v); }
inline real nearbyint(real a) { return std::nearbyint(a.v); }
inline real fmod(real a, real b) { return real(std::fmod(a.v, b.v), a.s); }

// ---- functions that round once ----

// The part of the variance `s` that reaches the result through the derivative d; 0 where either has no meaning.
inline double kopt_carried(double s, double d) {
  const double carried = s * d * d;
  return s > 0 && s <= kopt_largest && carried == carried ? carried : 0;
}
inline real kopt_rounded(double v, double s) { return real(v, kopt_muladd(kopt_accumulate_variance, v * v, s)); }
inline real kopt_function(double v, double d, real x) { return kopt_rounded(v, kopt_carried(x.s, d)); }
// Where the derivative is infinite, the error is bounded by `most` all the same.
inline real kopt_function(double v, double d, real x, double most) {
  const double s = kopt_carried(x.s, d);
  return kopt_rounded(v, s < most ? s : x.s > 0 ? most : 0);
}

inline constexpr double kopt_ln2 = 0.6931471805599453094, kopt_ln10 = 2.302585092994045684;

inline real exp(real x) {
  const double v = std::exp(x.v);
  return kopt_function(v, v, x);
}
inline real exp2(real x) {
  const double v = std::exp2(x.v);
  return kopt_function(v, v * kopt_ln2, x);
}
inline real expm1(real x) {
  const double v = std::expm1(x.v);
  return kopt_function(v, v + 1, x);
}
inline real log(real x) { return kopt_function(std::log(x.v), 1 / x.v, x); }
inline real log2(real x) { return kopt_function(std::log2(x.v), 1 / (x.v * kopt_ln2), x); }
inline real log10(real x) { return kopt_function(std::log10(x.v), 1 / (x.v * kopt_ln10), x); }
inline real log1p(real x) { return kopt_function(std::log1p(x.v), 1 / (1 + x.v), x); }
inline real sqrt(real x) {
  const double v = std::sqrt(x.v);
  return kopt_function(v, 0.5 / v, x, std::sqrt(x.s));
}
inline real rsqrt(real x) {
  const double v = 1 / std::sqrt(x.v);
  return kopt_function(v, 0.5 * v / x.v, x);
}
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline real cbrt(real x) {
  const double v = std::cbrt(x.v);
  return kopt_function(v, 1 / (3 * v * v), x, std::cbrt(x.s));
}
inline real tanh(real x) {
  const double v = std::tanh(x.v);
  return kopt_function(v, 1 - v * v, x);
}
inline real sinh(real x) { return kopt_function(std::sinh(x.v), std::cosh(x.v), x); }
inline real cosh(real x) { return kopt_function(std::cosh(x.v), std::sinh(x.v), x); }
inline real asinh(real x) { return kopt_function(std::asinh(x.v), 1 / std::sqrt(x.v * x.v + 1), x); }
inline real acosh(real x) {
  return kopt_function(std::acosh(x.v), 1 / std::sqrt(x.v * x.v - 1), x, 2 * std::sqrt(x.s));
}
inline real atanh(real x) { return kopt_function(std::atanh(x.v), 1 / (1 - x.v * x.v), x); }
inline real sin(real x) { return kopt_function(std::sin(x.v), std::cos(x.v), x); }
inline real cos(real x) { return kopt_function(std::cos(x.v), std::sin(x.v), x); }
inline real tan(real x) {
  const double v = std::tan(x.v);
  return kopt_function(v, 1 + v * v, x);
}
inline real asin(real x) { return kopt_function(std::asin(x.v), 1 / std::sqrt(1 - x.v * x.v), x, 2 * std::sqrt(x.s)); }
inline real acos(real x) { return kopt_function(std::acos(x.v), 1 / std::sqrt(1 - x.v * x.v), x, 2 * std::sqrt(x.s)); }
inline real atan(real x) { return kopt_function(std::atan(x.v), 1 / (1 + x.v * x.v), x); }
inline real atan2(real y, real x) {
  const double square = x.v * x.v + y.v * y.v;
  return kopt_rounded(std::atan2(y.v, x.v), kopt_carried(y.s, x.v / square) + kopt_carried(x.s, y.v / square));
}
inline real hypot(real a, real b) {
  const double v = std::hypot(a.v, b.v);
  if (v == 0) return real(0, a.s + b.s);
  return kopt_rounded(v, kopt_carried(a.s, a.v / v) + kopt_carried(b.s, b.v / v));
}
inline double kopt_erf_slope(double x) { return 1.1283791670955125739 * std::exp(-x * x); }
inline real erf(real x) { return kopt_function(std::erf(x.v), kopt_erf_slope(x.v), x); }
inline real erfc(real x) { return kopt_function(std::erfc(x.v), kopt_erf_slope(x.v), x); }

inline real pow(real a, real b) {
  const double v = std::pow(a.v, b.v);
  double s = 0;
  if (a.s > 0) {
    s = kopt_carried(a.s, b.v * std::pow(a.v, b.v - 1));
    if (b.v > 0 && b.v < 1) s = std::fmin(s, std::pow(a.s, b.v));
  }
  if (b.s > 0 && a.v > 0) s += kopt_carried(b.s, v * std::log(a.v));
  return kopt_rounded(v, s);
}

// One product and one sum. The product's rounding counts: a candidate need not fuse them.
inline real fma(real a, real b, real c) { return a * b + c; }

// ---- storing ----

// The variance as a result keeps it: 0 for a non-finite value, never NaN or infinite.
inline double kopt_settled(real x) {
  if (!(std::fabs(x.v) <= kopt_largest) || !(x.s >= 0)) return 0;
  return x.s <= kopt_largest ? x.s : kopt_largest;
}

#endif  // KOPT_REAL_H
