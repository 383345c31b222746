// Reading examples and comparing with right answers: what every package's test needs. Written by kopt.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "memory.h"

namespace support {

enum class Type { kF64, kF32, kF16, kBF16, kE4M3, kE5M2, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

template <class T>
T Load(const unsigned char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The value of a floating type's bits: sign, exponent, `mantissa` bits.
inline double Decode(unsigned bits, int width, int mantissa, bool has_infinity) {
  const int exponents = width - 1 - mantissa, bias = (1 << (exponents - 1)) - 1;
  const int exponent = static_cast<int>(bits >> mantissa) & ((1 << exponents) - 1);
  const int fraction = static_cast<int>(bits & ((1u << mantissa) - 1));
  const double sign = (bits >> (width - 1)) != 0 ? -1 : 1;
  if (exponent == (1 << exponents) - 1) {
    if (has_infinity) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
    if (fraction == (1 << mantissa) - 1) return std::nan("");
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - mantissa);
  return sign * std::ldexp(fraction + (1 << mantissa), exponent - bias - mantissa);
}

inline double Real(Type type, const unsigned char* at) {
  switch (type) {
    case Type::kF64:
      return Load<double>(at);
    case Type::kF32:
      return Load<float>(at);
    case Type::kF16:
      return Decode(Load<std::uint16_t>(at), 16, 10, true);
    case Type::kBF16:
      return Decode(Load<std::uint16_t>(at), 16, 7, true);
    case Type::kE4M3:
      return Decode(*at, 8, 3, false);
    default:
      return Decode(*at, 8, 2, true);
  }
}

__extension__ typedef __int128 Wide;

inline Wide Integer(Type type, const unsigned char* at) {
  switch (type) {
    case Type::kI64:
      return Load<std::int64_t>(at);
    case Type::kI32:
      return Load<std::int32_t>(at);
    case Type::kI16:
      return Load<std::int16_t>(at);
    case Type::kI8:
      return Load<std::int8_t>(at);
    case Type::kU64:
      return Load<std::uint64_t>(at);
    case Type::kU32:
      return Load<std::uint32_t>(at);
    case Type::kU16:
      return Load<std::uint16_t>(at);
    default:
      return *at;
  }
}

// How an output lies in memory and what decides that it is right.
struct Output {
  const char* name;
  Type type;
  std::size_t size;                         // bytes of an element
  std::vector<long long> extents, strides;  // strides in elements
  double overflow;  // right answers that may reach it may be infinite (e4m3: NaN) instead; NaN: none may
};

class Suite {
 public:
  explicit Suite(std::string folder) : folder_(std::move(folder)) {}

  // Says that something is right or not.
  void Expect(bool right, const std::string& what) {
    std::printf("%s %s\n", right ? "ok    " : "FAILED", what.c_str());
    failures_ += right ? 0 : 1;
  }
  void Say(const std::string& what) { std::printf("       %s\n", what.c_str()); }
  // 0 if all was right, else 1.
  int Finish() const {
    std::printf("%s\n", failures_ == 0 ? "all right" : "there are failures");
    return failures_ == 0 ? 0 : 1;
  }

  // The elements of a .npy file; none, and a failure, if it is not one with `bytes` of them.
  std::vector<unsigned char> Read(const std::string& file, std::size_t bytes) {
    std::ifstream in(folder_ + "/" + file, std::ios::binary);
    std::vector<char> all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto* text = reinterpret_cast<const unsigned char*>(all.data());
    const bool known = all.size() > 10 && std::memcmp(text, "\x93NUMPY\x01", 7) == 0;
    const std::size_t start = known ? 10u + text[8] + 256u * text[9] : 0;
    if (!known || all.size() < start || all.size() - start != bytes) {
      Expect(false, folder_ + "/" + file + " is missing or damaged");
      return {};
    }
    return {text + start, text + all.size()};
  }
  void ReadInto(const std::string& file, const Memory& memory) {
    const std::vector<unsigned char> elements = Read(file, memory.bytes());
    if (!elements.empty()) std::memcpy(memory.data(), elements.data(), elements.size());
    memory.Give();
  }

  // Every element against PREFIX.value.npy and PREFIX.limit.npy, the right answers and the errors allowed.
  void Compare(const std::string& prefix, const std::string& shape, const Output& output, const Memory& got) {
    std::size_t count = 1;
    for (const long long extent : output.extents) count *= static_cast<std::size_t>(extent);
    const auto value = Read(prefix + ".value.npy", 8 * count), limit = Read(prefix + ".limit.npy", 8 * count);
    if (value.empty() || limit.empty() || !Fetch(got, shape)) return;
    std::size_t wrong = 0;
    double worst = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double share = Share(output, got.data() + Offset(output, i) * output.size, value.data() + 8 * i,
                                 Load<double>(limit.data() + 8 * i));
      wrong += share <= 1 ? 0 : 1;
      worst = std::fmax(worst, share);
    }
    char text[200];
    if (wrong == 0) {
      std::snprintf(text, sizeof text, "%s: %s, the largest error is %.2g of what is allowed", shape.c_str(),
                    output.name, worst);
    } else {
      std::snprintf(text, sizeof text, "%s: %s, %zu of %zu elements are wrong", shape.c_str(), output.name, wrong,
                    count);
    }
    Expect(wrong == 0, text);
  }

 private:
  bool Fetch(const Memory& memory, const std::string& shape) {
    const std::string fault = memory.Fetch();
    if (!fault.empty()) Expect(false, shape + ": " + fault);
    return fault.empty();
  }

  static std::size_t Offset(const Output& output, std::size_t logical) {
    std::size_t offset = 0;
    for (std::size_t i = output.extents.size(); i-- > 0;) {
      const auto extent = static_cast<std::size_t>(output.extents[i]);
      offset += logical % extent * static_cast<std::size_t>(output.strides[i]);
      logical /= extent;
    }
    return offset;
  }

  // The error as a share of the allowed one: at most 1 if it is right.
  static double Share(const Output& output, const unsigned char* got, const unsigned char* want, double limit) {
    if (std::isnan(limit)) return 0;
    if (output.type >= Type::kI64) {
      if (output.type == Type::kBool && *got > 1) return HUGE_VAL;
      const Type wide = output.type == Type::kU64 ? Type::kU64 : Type::kI64;
      return Ratio(std::fabs(static_cast<double>(Integer(output.type, got) - Integer(wide, want))), limit);
    }
    const double have = Real(output.type, got), right = Load<double>(want);
    const bool no_infinity = output.type == Type::kE4M3;
    if (std::isnan(right)) return std::isnan(have) ? 0 : HUGE_VAL;
    const bool overflows =
        no_infinity ? std::isnan(have) : std::isinf(have) && std::signbit(have) == std::signbit(right);
    if (std::isinf(right)) return overflows ? 0 : HUGE_VAL;
    if (std::isfinite(have)) return Ratio(std::fabs(have - right), limit);
    return overflows && std::fabs(right) + limit >= output.overflow ? 0 : HUGE_VAL;
  }
  static double Ratio(double error, double limit) {
    return error == 0 && limit >= 0 ? 0 : limit > 0 ? error / limit : HUGE_VAL;
  }

  std::string folder_;
  int failures_ = 0;
};

}  // namespace support
