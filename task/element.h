// The element types as numbers: their limits, and conversion between their bytes and double or long long. One text for
// the host and for kernels: NVRTC compiles it too, without the includes.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "task/small_float.h"

namespace kopt {

enum class DType { kF64, kF32, kF16, kBF16, kE4M3, kE5M2, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };
inline constexpr int kDTypeCount = 15;

struct ElementFacts {
  size_t size;
  bool floating, is_signed;
  double roundoff, largest, smallest;  // floating only
};

inline constexpr ElementFacts kElementFacts[kDTypeCount] = {
    {8, true, true, 0x1p-53, 0x1.fffffffffffffp1023, 0x1p-1074},
    {4, true, true, 0x1p-24, 0x1.fffffep127, 0x1p-149},
    {2, true, true, 0x1p-11, 65504, 0x1p-24},
    {2, true, true, 0x1p-8, 0x1.fep127, 0x1p-133},
    {1, true, true, 0x1p-4, 448, 0x1p-9},
    {1, true, true, 0x1p-3, 57344, 0x1p-16},
    {8, false, true, 0, 0, 0},
    {4, false, true, 0, 0, 0},
    {2, false, true, 0, 0, 0},
    {1, false, true, 0, 0, 0},
    {8, false, false, 0, 0, 0},
    {4, false, false, 0, 0, 0},
    {2, false, false, 0, 0, 0},
    {1, false, false, 0, 0, 0},
    {1, false, false, 0, 0, 0},
};

inline const ElementFacts& FactsOf(DType type) { return kElementFacts[static_cast<int>(type)]; }
inline size_t Size(DType type) { return FactsOf(type).size; }  // bytes per element
inline bool IsFloating(DType type) { return FactsOf(type).floating; }
inline bool IsSigned(DType type) { return FactsOf(type).is_signed; }

// Unit roundoff of round-to-nearest (2^-24 for f32). For a floating type.
inline double UnitRoundoff(DType type) { return FactsOf(type).roundoff; }
inline double LargestFinite(DType type) { return FactsOf(type).largest; }
// Distance between neighbouring subnormals (2^-149 for f32): half of it is the least rounding error near zero.
inline double SmallestSubnormal(DType type) { return FactsOf(type).smallest; }

template <class T>
T LoadBytes(const std::byte* data, size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void StoreBytes(std::byte* data, size_t index, T value) {
  std::memcpy(data + index * sizeof(T), &value, sizeof(T));
}

// To the nearest integer, ties to even; what does not fit becomes the nearest end; NaN becomes 0.
template <class T>
T Saturate(double value) {
  if (std::isnan(value)) return 0;
  const double rounded = std::nearbyint(value);
  // The largest value of a 64-bit type is not a double: compare with the power of two above it.
  if (rounded >= PowerOfTwo(std::numeric_limits<T>::digits)) return std::numeric_limits<T>::max();
  if (rounded <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  return static_cast<T>(rounded);
}

// Calls `f` with a value of the integer type that stands behind `type` (bool excluded).
template <class F>
auto WithInteger(DType type, F f) {
  switch (type) {
    case DType::kI64:
      return f(int64_t{});
    case DType::kI32:
      return f(int32_t{});
    case DType::kI16:
      return f(int16_t{});
    case DType::kI8:
      return f(int8_t{});
    case DType::kU64:
      return f(uint64_t{});
    case DType::kU32:
      return f(uint32_t{});
    case DType::kU16:
      return f(uint16_t{});
    default:
      return f(uint8_t{});
  }
}

// Element `index` of `data`, of an integer or bool type; u64 above 2^63-1 wraps.
inline long long LoadInteger(DType type, const std::byte* data, size_t index) {
  if (type == DType::kBool) return LoadBytes<uint8_t>(data, index) != 0;
  return WithInteger(type, [&](auto zero) { return static_cast<long long>(LoadBytes<decltype(zero)>(data, index)); });
}

// Element `index` of `data`. Floating and integer types both convert; u64 above 2^63-1 wraps in LoadInt.
inline double LoadReal(DType type, const std::byte* data, size_t index) {
  switch (type) {
    case DType::kF64:
      return LoadBytes<double>(data, index);
    case DType::kF32:
      return LoadBytes<float>(data, index);
    case DType::kF16:
      return Decode<kHalf>(LoadBytes<uint16_t>(data, index));
    case DType::kBF16:
      return Decode<kBrain>(LoadBytes<uint16_t>(data, index));
    case DType::kE4M3:
      return Decode<kE4M3Float>(LoadBytes<uint8_t>(data, index));
    case DType::kE5M2:
      return Decode<kE5M2Float>(LoadBytes<uint8_t>(data, index));
    case DType::kU64:
      return static_cast<double>(LoadBytes<uint64_t>(data, index));
    default:
      return static_cast<double>(LoadInteger(type, data, index));
  }
}
inline long long LoadInt(DType type, const std::byte* data, size_t index) {
  if (!IsFloating(type)) return LoadInteger(type, data, index);
  return Saturate<long long>(std::trunc(LoadReal(type, data, index)));
}

// Rounds to nearest even; overflow gives inf (e4m3, which has none: NaN); integers saturate, NaN becomes 0.
inline void StoreReal(DType type, std::byte* data, size_t index, double value) {
  switch (type) {
    case DType::kF64:
      return StoreBytes<double>(data, index, value);
    case DType::kF32:
      return StoreBytes<float>(data, index, static_cast<float>(value));
    case DType::kF16:
      return StoreBytes<uint16_t>(data, index, static_cast<uint16_t>(Encode<kHalf>(value)));
    case DType::kBF16:
      return StoreBytes<uint16_t>(data, index, static_cast<uint16_t>(Encode<kBrain>(value)));
    case DType::kE4M3:
      return StoreBytes<uint8_t>(data, index, static_cast<uint8_t>(Encode<kE4M3Float>(value)));
    case DType::kE5M2:
      return StoreBytes<uint8_t>(data, index, static_cast<uint8_t>(Encode<kE5M2Float>(value)));
    case DType::kBool:
      return StoreBytes<uint8_t>(data, index, value != 0 && !std::isnan(value));
    default:
      return WithInteger(type, [&](auto zero) { StoreBytes(data, index, Saturate<decltype(zero)>(value)); });
  }
}

// Integers wrap; bool: value != 0.
inline void StoreInt(DType type, std::byte* data, size_t index, long long value) {
  if (type == DType::kF32) return StoreBytes<float>(data, index, static_cast<float>(value));
  if (IsFloating(type)) return StoreReal(type, data, index, static_cast<double>(value));
  if (type == DType::kBool) return StoreBytes<uint8_t>(data, index, value != 0);
  WithInteger(type, [&](auto zero) { StoreBytes(data, index, static_cast<decltype(zero)>(value)); });
}

// The value after rounding to `type`: what StoreReal then LoadReal give.
inline double RoundTo(DType type, double value) {
  alignas(8) std::byte bytes[8];
  StoreReal(type, bytes, 0, value);
  return LoadReal(type, bytes, 0);
}

}  // namespace kopt
