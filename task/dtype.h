// Element types of tensors, and conversion between their bytes and double or long long.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "task/target.h"

namespace kopt {

enum class DType { kF64, kF32, kF16, kBF16, kE4M3, kE5M2, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };
inline constexpr int kDTypeCount = 15;

std::string_view Name(DType type);  // as written in a spec: "f32"
std::optional<DType> ParseDType(std::string_view name);
size_t Size(DType type);  // bytes per element
bool IsFloating(DType type);
bool IsSigned(DType type);

// Unit roundoff of round-to-nearest (2^-24 for f32). For a floating type.
double UnitRoundoff(DType type);
double LargestFinite(DType type);
// Distance between neighbouring subnormals (2^-149 for f32): half of it is the least rounding error near zero.
double SmallestSubnormal(DType type);

// Names that [precision] knows: f64 f32 tf32 f16 bf16 e4m3; the unit roundoff, or nothing.
std::optional<double> PrecisionRoundoff(std::string_view name);

// Element `index` of `data`. Floating and integer types both convert; u64 above 2^63-1 wraps in LoadInt.
double LoadReal(DType type, const std::byte* data, size_t index);
long long LoadInt(DType type, const std::byte* data, size_t index);
// Rounds to nearest even; overflow gives inf (e4m3, which has none: NaN); integers saturate, NaN becomes 0.
void StoreReal(DType type, std::byte* data, size_t index, double value);
void StoreInt(DType type, std::byte* data, size_t index, long long value);  // integers wrap; bool: value != 0

// The value after rounding to `type`: what StoreReal then LoadReal give.
double RoundTo(DType type, double value);

// The type's name in candidate source: "float", "long long", "unsigned char", "bool"; for the cpu "_Float16" and
// "kopt_bf16", for cuda "__half" and "__nv_bfloat16".
std::string_view CppName(DType type, Target target);

}  // namespace kopt
