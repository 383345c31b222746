#include "task/dtype.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "task/small_float.h"

namespace kopt {
namespace {

struct Facts {
  std::string_view name;
  size_t size;
  bool floating, is_signed;
  double roundoff, largest, smallest;  // floating only
  std::string_view cpp;
  std::string_view cuda;  // empty: as `cpp`
};

constexpr std::array<Facts, kDTypeCount> kFacts = {{
    {"f64", 8, true, true, 0x1p-53, std::numeric_limits<double>::max(), 0x1p-1074, "double", ""},
    {"f32", 4, true, true, 0x1p-24, std::numeric_limits<float>::max(), 0x1p-149, "float", ""},
    {"f16", 2, true, true, 0x1p-11, 65504, 0x1p-24, "_Float16", "__half"},
    {"bf16", 2, true, true, 0x1p-8, 0x1.fep127, 0x1p-133, "kopt_bf16", "__nv_bfloat16"},
    {"e4m3", 1, true, true, 0x1p-4, 448, 0x1p-9, "kopt_e4m3", "__nv_fp8_e4m3"},
    {"e5m2", 1, true, true, 0x1p-3, 57344, 0x1p-16, "kopt_e5m2", "__nv_fp8_e5m2"},
    {"i64", 8, false, true, 0, 0, 0, "long long", ""},
    {"i32", 4, false, true, 0, 0, 0, "int", ""},
    {"i16", 2, false, true, 0, 0, 0, "short", ""},
    {"i8", 1, false, true, 0, 0, 0, "signed char", ""},
    {"u64", 8, false, false, 0, 0, 0, "unsigned long long", ""},
    {"u32", 4, false, false, 0, 0, 0, "unsigned int", ""},
    {"u16", 2, false, false, 0, 0, 0, "unsigned short", ""},
    {"u8", 1, false, false, 0, 0, 0, "unsigned char", ""},
    {"bool", 1, false, false, 0, 0, 0, "bool", ""},
}};

const Facts& FactsOf(DType type) { return kFacts[static_cast<size_t>(type)]; }

template <class T>
T Load(const std::byte* data, size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void Store(std::byte* data, size_t index, T value) {
  std::memcpy(data + index * sizeof(T), &value, sizeof(T));
}

// To the nearest integer, ties to even; what does not fit becomes the nearest end; NaN becomes 0.
template <class T>
T Saturate(double value) {
  if (std::isnan(value)) return 0;
  const double rounded = std::nearbyint(value);
  // The largest value of a 64-bit type is not a double: compare with the power of two above it.
  if (rounded >= std::ldexp(1.0, std::numeric_limits<T>::digits)) return std::numeric_limits<T>::max();
  if (rounded <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  return static_cast<T>(rounded);
}

long long Truncate(double value) { return Saturate<long long>(std::trunc(value)); }

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

}  // namespace

std::string_view Name(DType type) { return FactsOf(type).name; }

std::optional<DType> ParseDType(std::string_view name) {
  for (size_t i = 0; i < kFacts.size(); ++i) {
    if (kFacts[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

size_t Size(DType type) { return FactsOf(type).size; }
bool IsFloating(DType type) { return FactsOf(type).floating; }
bool IsSigned(DType type) { return FactsOf(type).is_signed; }
double UnitRoundoff(DType type) { return FactsOf(type).roundoff; }
double LargestFinite(DType type) { return FactsOf(type).largest; }
double SmallestSubnormal(DType type) { return FactsOf(type).smallest; }
std::string_view CppName(DType type, Target target) {
  const Facts& facts = FactsOf(type);
  return target == Target::kCuda && !facts.cuda.empty() ? facts.cuda : facts.cpp;
}

std::optional<double> PrecisionRoundoff(std::string_view name) {
  if (name == "tf32") return 0x1p-11;
  for (std::string_view known : {"f64", "f32", "f16", "bf16", "e4m3"}) {
    if (name == known) return UnitRoundoff(*ParseDType(name));
  }
  return std::nullopt;
}

double LoadReal(DType type, const std::byte* data, size_t index) {
  switch (type) {
    case DType::kF64:
      return Load<double>(data, index);
    case DType::kF32:
      return Load<float>(data, index);
    case DType::kF16:
      return Decode<kHalf>(Load<uint16_t>(data, index));
    case DType::kBF16:
      return Decode<kBrain>(Load<uint16_t>(data, index));
    case DType::kE4M3:
      return Decode<kE4M3Float>(Load<uint8_t>(data, index));
    case DType::kE5M2:
      return Decode<kE5M2Float>(Load<uint8_t>(data, index));
    case DType::kU64:
      return static_cast<double>(Load<uint64_t>(data, index));
    default:
      return static_cast<double>(LoadInt(type, data, index));
  }
}

long long LoadInt(DType type, const std::byte* data, size_t index) {
  if (IsFloating(type)) return Truncate(LoadReal(type, data, index));
  if (type == DType::kBool) return Load<uint8_t>(data, index) != 0;
  return WithInteger(type, [&](auto zero) { return static_cast<long long>(Load<decltype(zero)>(data, index)); });
}

void StoreReal(DType type, std::byte* data, size_t index, double value) {
  switch (type) {
    case DType::kF64:
      return Store<double>(data, index, value);
    case DType::kF32:
      return Store<float>(data, index, static_cast<float>(value));
    case DType::kF16:
      return Store<uint16_t>(data, index, static_cast<uint16_t>(Encode<kHalf>(value)));
    case DType::kBF16:
      return Store<uint16_t>(data, index, static_cast<uint16_t>(Encode<kBrain>(value)));
    case DType::kE4M3:
      return Store<uint8_t>(data, index, static_cast<uint8_t>(Encode<kE4M3Float>(value)));
    case DType::kE5M2:
      return Store<uint8_t>(data, index, static_cast<uint8_t>(Encode<kE5M2Float>(value)));
    case DType::kBool:
      return Store<uint8_t>(data, index, value != 0 && !std::isnan(value));
    default:
      return WithInteger(type, [&](auto zero) { Store(data, index, Saturate<decltype(zero)>(value)); });
  }
}

void StoreInt(DType type, std::byte* data, size_t index, long long value) {
  if (type == DType::kF32) return Store<float>(data, index, static_cast<float>(value));
  if (IsFloating(type)) return StoreReal(type, data, index, static_cast<double>(value));
  if (type == DType::kBool) return Store<uint8_t>(data, index, value != 0);
  WithInteger(type, [&](auto zero) { Store(data, index, static_cast<decltype(zero)>(value)); });
}

double RoundTo(DType type, double value) {
  std::byte bytes[8];
  StoreReal(type, bytes, 0, value);
  return LoadReal(type, bytes, 0);
}

}  // namespace kopt
