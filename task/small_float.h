// The bits of floating types below 32 bits: encoding with one rounding to nearest even, and exact decoding.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace kopt {

// Sign, exponent, mantissa; exponent 0 holds subnormals. Codes are without the sign bit.
struct SmallFloat {
  int bits;           // width with the sign
  int mantissa;       // bits
  int bias;           // of the exponent
  uint32_t most;      // code of the largest finite value
  uint32_t infinity;  // what overflow gives: infinity, or NaN where the type has none
  uint32_t nan;       // the NaN that is written
  bool has_infinity;
};

inline constexpr SmallFloat kHalf{16, 10, 15, 0x7bff, 0x7c00, 0x7e00, true};
inline constexpr SmallFloat kBrain{16, 7, 127, 0x7f7f, 0x7f80, 0x7fc0, true};
inline constexpr SmallFloat kE4M3Float{8, 3, 7, 0x7e, 0x7f, 0x7f, false};  // e4m3fn: 448 at most, one NaN, no infinity
inline constexpr SmallFloat kE5M2Float{8, 2, 15, 0x7b, 0x7c, 0x7e, true};

// 2^exponent, exact; for exponents of normal doubles.
constexpr double PowerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

template <SmallFloat F>
constexpr uint32_t Encode(double value) {
  constexpr uint64_t kInfinity = 0x7ffull << 52;
  constexpr int kShift = 52 - F.mantissa;
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint32_t sign = static_cast<uint32_t>(bits >> 63) << (F.bits - 1);
  const uint64_t magnitude = bits & ~(1ull << 63);
  if (magnitude > kInfinity) return sign | F.nan;
  constexpr uint64_t kLeastNormal = static_cast<uint64_t>(1 - F.bias + 1023) << 52;
  if (magnitude < kLeastNormal) {
    // In units of the smallest subnormal, below 2^mantissa: adding 2^52 rounds to an integer.
    const double units = std::bit_cast<double>(magnitude) * PowerOfTwo(F.bias - 1 + F.mantissa);
    return sign | static_cast<uint32_t>(std::bit_cast<uint64_t>(units + 0x1p52) - std::bit_cast<uint64_t>(0x1p52));
  }
  const uint64_t rounded = magnitude + ((1ull << (kShift - 1)) - 1 + ((magnitude >> kShift) & 1));
  const uint64_t code = (rounded >> kShift) - (static_cast<uint64_t>(1023 - F.bias) << F.mantissa);
  return sign | (code > F.most ? F.infinity : static_cast<uint32_t>(code));
}

template <SmallFloat F>
constexpr double Decode(uint32_t bits) {
  const bool negative = (bits >> (F.bits - 1)) & 1;
  const uint32_t code = bits & ((1u << (F.bits - 1)) - 1);
  double value = 0;
  if (code > F.most) {
    const bool infinite = F.has_infinity && code == F.infinity;
    value = infinite ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (code < (1u << F.mantissa)) {
    value = code * PowerOfTwo(1 - F.bias - F.mantissa);
  } else {
    value = std::bit_cast<double>((static_cast<uint64_t>(code) << (52 - F.mantissa)) +
                                  (static_cast<uint64_t>(1023 - F.bias) << 52));
  }
  return negative ? -value : value;
}

}  // namespace kopt
