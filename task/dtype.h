// Element types of tensors and their names; task/element.h has their numbers.
#pragma once

#include <optional>
#include <string_view>

#include "task/element.h"
#include "task/target.h"

namespace kopt {

std::string_view Name(DType type);  // as written in a spec: "f32"
std::optional<DType> ParseDType(std::string_view name);

// Names that [precision] knows: f64 f32 tf32 f16 bf16 e4m3; the unit roundoff, or nothing.
std::optional<double> PrecisionRoundoff(std::string_view name);

// The type's name in candidate source: "float", "long long", "unsigned char", "bool"; for the cpu "_Float16" and
// "kopt_bf16", for cuda "__half" and "__nv_bfloat16".
std::string_view CppName(DType type, Target target);

}  // namespace kopt
