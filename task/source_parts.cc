#include "task/source_parts.h"

#include <fmt/ranges.h>

#include <climits>
#include <set>
#include <string_view>

#include "task/plan_lexer.h"

namespace kopt {
namespace {

std::string Constant(const std::string& name, long long value) {
  bool fits = value >= INT_MIN && value <= INT_MAX;
  if (value == LLONG_MIN) return fmt::format("constexpr long long {} = -{}LL - 1;\n", name, LLONG_MAX);
  if (value == INT_MIN) return fmt::format("constexpr int {} = -{} - 1;\n", name, INT_MAX);
  return fmt::format("constexpr {} {} = {}{};\n", fits ? "int" : "long long", name, value, fits ? "" : "LL");
}

std::string TypesText(const Spec& spec, const Candidate& candidate) {
  std::string text;
  auto add = [&](const std::string& name, DType dtype) {
    text += fmt::format("using {}_t = {};\n", name, CppName(dtype, candidate.target));
  };
  for (const Tensor& tensor : spec.tensors)
    if (tensor.role != Tensor::Role::kTemp) add(tensor.name, tensor.dtype);
  for (const Scratch& scratch : candidate.scratch) add(scratch.name, scratch.dtype);
  return text;
}

}  // namespace

Result<std::string> ConstantsText(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                  const Shape& shape, const Values& device) {
  std::string text;
  for (const std::string& dim : spec.dims) {
    if (spec.IsDynamic(dim)) continue;
    auto value = shape.dims.find(dim);
    if (value == shape.dims.end()) return InternalError(fmt::format("a shape does not bind the dim `{}`", dim));
    text += Constant(dim, value->second);
  }
  KOPT_CHECK(CheckBindsTunables(candidate, configuration));
  for (const Tunable& tunable : candidate.tunables) text += Constant(tunable.name, configuration.at(tunable.name));
  for (const auto& [name, value] : device) text += Constant(name, value);
  return text;
}

Result<std::string> GeneratedHeader(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                    const Shape& shape, const Values& device) {
  KOPT_TRY(std::string constants, ConstantsText(spec, candidate, configuration, shape, device));
  return TypesText(spec, candidate) + constants;
}

std::string ParameterType(const Spec& spec, const Candidate& candidate, const Arg& arg) {
  switch (arg.kind) {
    case Arg::Kind::kTensor: {
      const Tensor& tensor = *spec.FindTensor(arg.name);
      return fmt::format("{}{}*", tensor.IsWritten() ? "" : "const ", CppName(tensor.dtype, candidate.target));
    }
    case Arg::Kind::kScratch:
      return fmt::format("{}*", CppName(candidate.FindScratch(arg.name)->dtype, candidate.target));
    case Arg::Kind::kTensorMap:
      return "const __grid_constant__ CUtensorMap";
    case Arg::Kind::kScalar:
      return std::string(CppName(spec.FindScalar(arg.name)->dtype, candidate.target));
    case Arg::Kind::kInt:
      return "int";
    case Arg::Kind::kInt64:
      return "long long";
  }
  return "";
}

std::vector<std::string> ParameterTypes(const Spec& spec, const Candidate& candidate, const PlanLine& line) {
  std::vector<std::string> types;
  for (const Arg& arg : line.args) types.push_back(ParameterType(spec, candidate, arg));
  return types;
}

std::vector<const PlanLine*> CalledFunctions(const Candidate& candidate) {
  std::set<std::string_view> seen;
  std::vector<const PlanLine*> lines;
  for (const PlanLine& line : candidate.plan)
    if ((line.kind == PlanLine::Kind::kLaunch || line.kind == PlanLine::Kind::kCall) &&
        seen.insert(line.function).second)
      lines.push_back(&line);
  return lines;
}

std::string Declarations(const Spec& spec, const Candidate& candidate) {
  std::string text;
  for (const PlanLine* line : CalledFunctions(candidate))
    text += fmt::format("extern \"C\" {}void {}({});\n", candidate.target == Target::kCuda ? "__global__ " : "",
                        line->function, fmt::join(ParameterTypes(spec, candidate, *line), ", "));
  return text;
}

Result<std::string> SourceText(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                               const Shape& shape, const Values& device, std::string_view file) {
  KOPT_TRY(std::string header, GeneratedHeader(spec, candidate, configuration, shape, device));
  return fmt::format("#line 1 \"generated header\"\n{}{}#line 1 \"{}\"\n{}", header, Declarations(spec, candidate),
                     file, candidate.source);
}

}  // namespace kopt
