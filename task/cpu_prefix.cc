#include "task/cpu_prefix.h"

namespace kopt {

const std::string_view kCpuPrefix =
    R"text(#line 1 "kopt prefix"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct kopt_bf16 {
  unsigned short bits;
  kopt_bf16() = default;
  kopt_bf16(float value) {
    unsigned int word = __builtin_bit_cast(unsigned int, value);
    bool nan = (word & 0x7fffffffu) > 0x7f800000u;
    unsigned int rounded = (word + 0x7fffu + ((word >> 16) & 1u)) >> 16;
    bits = static_cast<unsigned short>(nan ? ((word >> 16) & 0x8000u) | 0x7fc0u : rounded);
  }
  operator float() const { return __builtin_bit_cast(float, static_cast<unsigned int>(bits) << 16); }
};

// Magnitude to the code of an 8-bit type with `kMantissa` bits and `kBias`; adding kShift rounds subnormals.
template <int kMantissa, int kBias>
inline unsigned int kopt_encode_8(float value, unsigned int most, unsigned int overflow, unsigned int nan) {
  constexpr int kDrop = 23 - kMantissa;
  constexpr unsigned int kLeastNormal = static_cast<unsigned int>(127 - kBias + 1) << 23;
  constexpr unsigned int kShift = static_cast<unsigned int>(127 + 1 - kBias - kMantissa + 23) << 23;
  unsigned int word = __builtin_bit_cast(unsigned int, value);
  unsigned int sign = (word >> 24) & 0x80u;
  word &= 0x7fffffffu;
  float shifted = __builtin_bit_cast(float, word) + __builtin_bit_cast(float, kShift);
  unsigned int subnormal = __builtin_bit_cast(unsigned int, shifted) - kShift;
  unsigned int normal = ((word + (1u << (kDrop - 1)) - 1u + ((word >> kDrop) & 1u)) >> kDrop) -
                        (static_cast<unsigned int>(127 - kBias) << kMantissa);
  unsigned int code = word < kLeastNormal ? subnormal : normal > most ? overflow : normal;
  return sign | (word > 0x7f800000u ? nan : code);
}

struct kopt_e4m3 {
  unsigned char bits;
  kopt_e4m3() = default;
  kopt_e4m3(float value) : bits(static_cast<unsigned char>(kopt_encode_8<3, 7>(value, 0x7eu, 0x7fu, 0x7fu))) {}
  operator float() const {
    float value = __builtin_bit_cast(float, (bits & 0x7fu) << 20) * 0x1p120f;
    value = (bits & 0x7fu) == 0x7fu ? __builtin_nanf("") : value;
    return bits & 0x80u ? -value : value;
  }
};

struct kopt_e5m2 {
  unsigned char bits;
  kopt_e5m2() = default;
  kopt_e5m2(float value) : bits(static_cast<unsigned char>(kopt_encode_8<2, 15>(value, 0x7bu, 0x7cu, 0x7eu))) {}
  operator float() const {
    unsigned int code = bits & 0x7fu;
    float value = __builtin_bit_cast(float, code << 21) * 0x1p112f;
    value = code == 0x7cu ? __builtin_inff() : code > 0x7cu ? __builtin_nanf("") : value;
    return bits & 0x80u ? -value : value;
  }
};
)text";

}  // namespace kopt
