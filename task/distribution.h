// Where the elements of a drawn tensor come from: each is a function of a seed and of its own number, with the same
// bits on every machine. One text for the host and for kernels: NVRTC compiles it too, without the includes and without
// contracting multiplications and additions.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/mix.h"

namespace kopt {

enum class FillKind { kNormal, kUniform, kInt, kIndex, kPermutation, kFile };

// Natural logarithm of a normal positive double, to 1e-10.
inline double DrawLog(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double t = (m - 1) / (m + 1);
  const double s = t * t;
  const double series =
      1 + s * (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s * (1.0 / 13))))));
  return exponent * 0.6931471805599453 + 2 * t * series;
}

// Quantile of the standard normal distribution, to 1e-6: M. J. Wichura, algorithm AS 241, PPND7 (1988).
inline double NormalQuantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * (((5.9109374720e+01 * r + 1.5929113202e+02) * r + 5.0434271938e+01) * r + 3.3871327179e+00) /
           (((6.7187563600e+01 * r + 7.8757757664e+01) * r + 1.7895169469e+01) * r + 1);
  }
  double r = std::sqrt(-DrawLog(q < 0 ? p : 1 - p));
  double z = 0;
  if (r <= 5) {
    r -= 1.6;
    z = (((1.7023821103e-01 * r + 1.3067284816e+00) * r + 2.7568153900e+00) * r + 1.4234372777e+00) /
        ((1.2021132975e-01 * r + 7.3700164250e-01) * r + 1);
  } else {
    r -= 5;
    z = (((1.7337203997e-02 * r + 4.2868294337e-01) * r + 3.0812263860e+00) * r + 6.6579051150e+00) /
        ((1.2258202635e-02 * r + 2.4197894225e-01) * r + 1);
  }
  return q < 0 ? -z : z;
}

// An integer from 0 to count - 1: the upper half of the product of 64 random bits and `count`.
inline uint64_t DrawBelow(uint64_t bits, uint64_t count) {
  const uint64_t low = (bits & 0xffffffff) * (count & 0xffffffff);
  const uint64_t middle = (bits >> 32) * (count & 0xffffffff) + (low >> 32);
  const uint64_t other = (bits & 0xffffffff) * (count >> 32) + (middle & 0xffffffff);
  return (bits >> 32) * (count >> 32) + (middle >> 32) + (other >> 32);
}

// Where `value` goes under a bijection of 0..count-1 chosen by `key`: invertible steps on the smallest power of two
// that holds them, repeated until the value is inside (less than twice on average).
inline uint64_t Permuted(uint64_t value, uint64_t count, uint64_t key) {
  constexpr uint64_t kRounds = 4;
  int bits = 0;
  while ((uint64_t{1} << bits) < count) ++bits;
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  do {
    for (uint64_t i = 0; i < kRounds; ++i) {
      value = (value * (Mix(key, 2 * i) | 1) + Mix(key, 2 * i + 1)) & mask;
      value ^= value >> (bits / 2 + 1);
    }
  } while (value >= count);
  return value;
}

// A fill, ready for a tensor. Normals and uniforms are real numbers, the others integers.
struct Distribution {
  FillKind kind = FillKind::kIndex;
  uint64_t seed = 0;
  double a = 0, b = 0;      // normal: mean, deviation; uniform: ends
  long long low = 0;        // int
  uint64_t count = 1;       // int: how many
  long long row = 1;        // permutation: elements of the last dimension
  uint64_t row_stream = 0;  // permutation

  bool IsReal() const { return kind == FillKind::kNormal || kind == FillKind::kUniform; }
  double Normal(uint64_t index) const {
    return a + b * NormalQuantile((static_cast<double>(Mix(seed, index) >> 12) + 0.5) * 0x1p-52);
  }
  double Uniform(uint64_t index) const {
    const double u = static_cast<double>(Mix(seed, index) >> 11) * 0x1p-53;
    return a * (1 - u) + b * u;
  }
  double Real(uint64_t index) const { return kind == FillKind::kNormal ? Normal(index) : Uniform(index); }
  long long Integer(uint64_t index) const {
    if (kind == FillKind::kInt) return low + static_cast<long long>(DrawBelow(Mix(seed, index), count));
    if (kind == FillKind::kIndex) return static_cast<long long>(index);
    const uint64_t length = static_cast<uint64_t>(row);
    return static_cast<long long>(Permuted(index % length, length, Mix(row_stream, index / length)));
  }
};

// The eight bytes of a strided storage that begin at byte `at`, a multiple of 8, before its elements are written.
inline uint64_t GapWord(uint64_t seed, uint64_t at) { return Mix(seed ^ 0x67617073, at); }

}  // namespace kopt
