#include "task/dtype.h"

#include <array>

namespace kopt {
namespace {

struct Names {
  std::string_view spec, cpp;
  std::string_view cuda = {};  // empty: as `cpp`
};

constexpr std::array<Names, kDTypeCount> kNames = {{
    {"f64", "double"},
    {"f32", "float"},
    {"f16", "_Float16", "__half"},
    {"bf16", "kopt_bf16", "__nv_bfloat16"},
    {"e4m3", "kopt_e4m3", "__nv_fp8_e4m3"},
    {"e5m2", "kopt_e5m2", "__nv_fp8_e5m2"},
    {"i64", "long long"},
    {"i32", "int"},
    {"i16", "short"},
    {"i8", "signed char"},
    {"u64", "unsigned long long"},
    {"u32", "unsigned int"},
    {"u16", "unsigned short"},
    {"u8", "unsigned char"},
    {"bool", "bool"},
}};

}  // namespace

std::string_view Name(DType type) { return kNames[static_cast<size_t>(type)].spec; }

std::optional<DType> ParseDType(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i].spec == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::string_view CppName(DType type, Target target) {
  const Names& names = kNames[static_cast<size_t>(type)];
  return target == Target::kCuda && !names.cuda.empty() ? names.cuda : names.cpp;
}

std::optional<double> PrecisionRoundoff(std::string_view name) {
  if (name == "tf32") return 0x1p-11;
  for (std::string_view known : {"f64", "f32", "f16", "bf16", "e4m3"}) {
    if (name == known) return UnitRoundoff(*ParseDType(name));
  }
  return std::nullopt;
}

}  // namespace kopt
