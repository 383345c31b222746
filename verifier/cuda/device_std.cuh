// The part of C++'s standard library that kopt's device texts use. NVRTC has none, and <cuda/std> would take a second
// of every compilation. Stands first in every text that NVRTC compiles; functions are those of the device.
#pragma nv_diag_suppress 1097  // attributes that only g++ knows

using int8_t = signed char;
using int16_t = short;
using int32_t = int;
using int64_t = long long;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using uint32_t = unsigned;
using uint64_t = unsigned long long;

namespace std {

using ::size_t;
enum class byte : unsigned char {};

// ---- <type_traits>, <concepts> ----

template <class T, T v>
struct integral_constant {
  static constexpr T value = v;
};
using true_type = integral_constant<bool, true>;
using false_type = integral_constant<bool, false>;

template <class A, class B>
inline constexpr bool is_same_v = false;
template <class A>
inline constexpr bool is_same_v<A, A> = true;

template <class T>
struct remove_cv {
  using type = T;
};
template <class T>
struct remove_cv<const T> {
  using type = T;
};
template <class T>
using remove_cv_t = typename remove_cv<T>::type;

template <class T, class... Types>
inline constexpr bool kopt_is_one_of = (is_same_v<remove_cv_t<T>, Types> || ...);
template <class T>
inline constexpr bool is_integral_v = kopt_is_one_of<T, bool, char, signed char, unsigned char, short, unsigned short,
                                                     int, unsigned, long, unsigned long, long long, unsigned long long>;
template <class T>
inline constexpr bool is_floating_point_v = kopt_is_one_of<T, float, double>;
template <class T>
inline constexpr bool is_arithmetic_v = is_integral_v<T> || is_floating_point_v<T>;

template <bool condition, class A, class B>
struct conditional {
  using type = A;
};
template <class A, class B>
struct conditional<false, A, B> {
  using type = B;
};
template <bool condition, class A, class B>
using conditional_t = typename conditional<condition, A, B>::type;

template <class A, class B>
using common_type_t = decltype(true ? A() : B());

template <class T>
concept integral = is_integral_v<T>;
template <class T>
concept floating_point = is_floating_point_v<T>;
template <class A, class B>
concept same_as = is_same_v<A, B>;
template <class From, class To>
concept convertible_to = __is_convertible_to(From, To);

// ---- <utility> ----

template <class T, T... values>
struct integer_sequence {};
template <size_t... values>
using index_sequence = integer_sequence<size_t, values...>;
template <size_t n, size_t... values>
struct kopt_indices : kopt_indices<n - 1, n - 1, values...> {};
template <size_t... values>
struct kopt_indices<0, values...> {
  using type = index_sequence<values...>;
};
template <size_t n>
using make_index_sequence = typename kopt_indices<n>::type;

// ---- <bit>, <limits>, <cstring> ----

template <class To, class From>
constexpr To bit_cast(const From& from) {
  return __builtin_bit_cast(To, from);
}

template <class T>
struct numeric_limits {  // integers
  static constexpr bool is_signed = T(-1) < T(0);
  static constexpr int digits = 8 * sizeof(T) - (is_signed ? 1 : 0);
  static constexpr T max() { return T((((1ULL << (digits - 1)) - 1) << 1) | 1); }
  static constexpr T min() { return is_signed ? T(-max() - 1) : T(0); }
};
template <>
struct numeric_limits<double> {
  static constexpr double max() { return 0x1.fffffffffffffp1023; }
  static constexpr double min() { return 0x1p-1022; }
  static constexpr double lowest() { return -max(); }
  static constexpr double epsilon() { return 0x1p-52; }
  static constexpr double infinity() { return bit_cast<double>(0x7ff0000000000000ULL); }
  static constexpr double quiet_NaN() { return bit_cast<double>(0x7ff8000000000000ULL); }
};

inline void memcpy(void* to, const void* from, size_t bytes) { ::memcpy(to, from, bytes); }
// From and to a tensor's storage: one element, which lies at a multiple of its size.
template <class T>
inline void memcpy(T* to, const byte* from, size_t) {
  *to = *reinterpret_cast<const T*>(from);
}
template <class T>
inline void memcpy(byte* to, const T* from, size_t) {
  *reinterpret_cast<T*>(to) = *from;
}

// ---- <atomic>: of the whole device, without order ----

enum memory_order { memory_order_relaxed, memory_order_seq_cst };

template <class T>
class atomic_ref {
 public:
  using Bits = conditional_t<sizeof(T) == 8, unsigned long long, unsigned>;
  explicit atomic_ref(T& object) : at_(&object) {}

  T load(memory_order = memory_order_relaxed) const { return *static_cast<volatile T*>(at_); }
  T exchange(T value, memory_order = memory_order_relaxed) const {
    return bit_cast<T>(atomicExch(bits(), bit_cast<Bits>(value)));
  }
  bool compare_exchange_strong(T& expected, T value, memory_order = memory_order_relaxed) const {
    const Bits wanted = bit_cast<Bits>(expected), found = atomicCAS(bits(), wanted, bit_cast<Bits>(value));
    expected = bit_cast<T>(found);
    return found == wanted;
  }
  bool compare_exchange_weak(T& expected, T value, memory_order = memory_order_relaxed) const {
    return compare_exchange_strong(expected, value);
  }
  T fetch_add(T value) const {
    if constexpr (is_floating_point_v<T>)
      return atomicAdd(at_, value);
    else
      return T(atomicAdd(bits(), Bits(value)));
  }
  T fetch_or(T value) const { return T(atomicOr(bits(), Bits(value))); }
  T fetch_and(T value) const { return T(atomicAnd(bits(), Bits(value))); }
  T fetch_xor(T value) const { return T(atomicXor(bits(), Bits(value))); }

 private:
  Bits* bits() const { return reinterpret_cast<Bits*>(at_); }
  T* at_;
};

// ---- <cmath>, <cstdlib>: of double alone ----

#define KOPT_UNARY(X)                                                                                                 \
  X(exp)                                                                                                              \
  X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sqrt) X(cbrt) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan)      \
      X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(erf) X(erfc) X(lgamma) X(tgamma) X(floor) X(ceil) X(trunc) \
          X(round) X(rint) X(nearbyint) X(fabs) X(logb)
#define KOPT_BINARY(X) X(fmod) X(remainder) X(atan2) X(hypot) X(pow) X(copysign) X(fmin) X(fmax) X(fdim) X(nextafter)
#define KOPT_OTHER(X) X(abs) X(fma) X(ldexp) X(scalbn) X(ilogb) X(isnan) X(isinf) X(isfinite) X(signbit)

#define KOPT_DEFINE(function) \
  inline double function(double x) { return ::function(x); }
KOPT_UNARY(KOPT_DEFINE)
#undef KOPT_DEFINE
#define KOPT_DEFINE(function) \
  inline double function(double x, double y) { return ::function(x, y); }
KOPT_BINARY(KOPT_DEFINE)
#undef KOPT_DEFINE

inline double abs(double x) { return ::fabs(x); }
inline int abs(int x) { return x < 0 ? -x : x; }
inline long abs(long x) { return x < 0 ? -x : x; }
inline long long abs(long long x) { return x < 0 ? -x : x; }
inline double fma(double x, double y, double z) { return ::fma(x, y, z); }
inline double ldexp(double x, int exponent) { return ::ldexp(x, exponent); }
inline double scalbn(double x, int exponent) { return ::scalbn(x, exponent); }
inline int ilogb(double x) { return ::ilogb(x); }
constexpr bool isnan(double x) { return x != x; }
constexpr bool isinf(double x) { return x > numeric_limits<double>::max() || x < -numeric_limits<double>::max(); }
constexpr bool isfinite(double x) { return x - x == 0; }
constexpr bool signbit(double x) { return bit_cast<long long>(x) < 0; }

}  // namespace std

// The reference's names for functions of double. They lie in a namespace with the rest of the oracle, since CUDA's own
// `max`, `min` and functions of float would otherwise be among the choices.
namespace kopt_space {
#define KOPT_USE(function) using std::function;
KOPT_UNARY(KOPT_USE)
KOPT_BINARY(KOPT_USE)
KOPT_OTHER(KOPT_USE)
#undef KOPT_USE

struct kopt_f16 {
  unsigned short bits;

  kopt_f16() = default;
  explicit kopt_f16(double v) { asm("cvt.rn.f16.f64 %0, %1;" : "=h"(bits) : "d"(v)); }
  explicit operator double() const {
    double v;
    asm("cvt.f64.f16 %0, %1;" : "=d"(v) : "h"(bits));
    return v;
  }
};

}  // namespace kopt_space
