#include "agent/export/plan_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "task/source_parts.h"

namespace kopt {

extern const std::string_view kExportRun;

std::string Joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ", ")); }

PlanText::PlanText(const Package& package) : package_(package), spec_(package.spec()), candidate_(package.candidate()) {
  for (const std::string& dim : spec_.dims) names_[dim] = "dims." + dim;
  for (const auto& [name, value] : package.winner.configuration) names_[name] = CppLiteral(value);
}

std::string PlanText::Text() {
  std::vector<std::string> dim_names, constant, list;
  for (const std::string& dim : spec_.dims) {
    dim_names.push_back("\"" + dim + "\"");
    constant.emplace_back(spec_.IsDynamic(dim) ? "false" : "true");
  }
  for (const Tensor* tensor : package_.tensors) list.push_back(tensor->name);
  for (const Scalar& scalar : spec_.scalars) list.push_back(scalar.name);
  Texts values = {{"KERNEL", package_.KernelFile()},
                  {"DIM_COUNT", fmt::to_string(spec_.dims.size())},
                  {"DIM_NAMES", Joined(dim_names)},
                  {"DIM_CONSTANT", Joined(constant)},
                  {"SHAPES", Shapes()},
                  {"ARGUMENTS", Members()},
                  {"TENSOR_COUNT", fmt::to_string(package_.tensors.size())},
                  {"SCRATCH_COUNT", fmt::to_string(candidate_.scratch.size())},
                  {"PLACES", Places()},
                  {"TARGET", TargetText()},
                  {"RUN_DEFINITION", Lines("Status Run(", Parameters(package_, false), ")")},
                  {"RUN_BODY", Lines(fmt::format("  return kopt_run({}, {{", package_.dims), list,
                                     fmt::format("}}, {});", package_.options))},
                  {"DIMS_TYPE", package_.dims_type},
                  {"NAME", package_.name}};
  for (auto& value : TargetTexts()) values.push_back(std::move(value));
  return Filled(kExportRun, values);
}

std::string PlanText::Shapes() const {
  std::string text;
  for (const PackageShape& shape : package_.shapes)
    text += fmt::format("    {{{{{}}}, {}}},\n", kopt::DimValues(spec_, *shape.shape), shape.kernel);
  return text;
}

std::string PlanText::Members() const {
  std::string text;
  for (const Tensor* tensor : package_.tensors)
    text +=
        fmt::format("  {}{}* {};\n", tensor->IsWritten() ? "" : "const ", package_.Type(tensor->dtype), tensor->name);
  for (const Scalar& scalar : spec_.scalars)
    text += fmt::format("  {} {};\n", package_.ScalarType(scalar.dtype), scalar.name);
  return text;
}

std::string PlanText::Places() const {
  std::string text;
  for (size_t i = 0; i < package_.tensors.size(); ++i) {
    const Tensor& tensor = *package_.tensors[i];
    text += fmt::format("      {{\"{0}\", given.{0}, call.bytes[{1}], {2}, {3}}},\n", tensor.name, i, tensor.align,
                        tensor.IsWritten());
  }
  return text;
}

std::string PlanText::DimValues() const {
  std::vector<std::string> values;
  for (const std::string& dim : spec_.dims) values.push_back("dims." + dim);
  return Joined(values);
}

std::string PlanText::Cpp(const std::vector<Expr>& exprs) const {
  std::vector<std::string> parts;
  for (const Expr& expr : exprs) parts.push_back(Cpp(expr));
  return Joined(parts);
}

std::string PlanText::Sizes() const {
  std::string text;
  for (size_t i = 0; i < package_.tensors.size(); ++i) {
    const Tensor& tensor = *package_.tensors[i];
    const std::string strides = tensor.strides.empty() ? "" : fmt::format(", {{{}}}", Cpp(tensor.strides));
    text += fmt::format("  at.Tensor(\"{}\");\n", tensor.name);
    text +=
        fmt::format("  call.bytes[{}] = at.Bytes({}, {{{}}}{});\n", i, Size(tensor.dtype), Cpp(tensor.shape), strides);
  }
  for (size_t i = 0; i < candidate_.scratch.size(); ++i) {
    const Scratch& scratch = candidate_.scratch[i];
    text += fmt::format("  at.Line({});\n", scratch.line);
    text += fmt::format("  call.scratch_bytes[{}] = at.Bytes({}, {{{}}});  // {}\n", i, Size(scratch.dtype),
                        Cpp(scratch.shape), scratch.name);
  }
  return text;
}

// Those that hold for every call held when the kernel was judged.
std::string PlanText::Where() const {
  const auto is_fixed = [&](const std::string& name) { return package_.winner.configuration.contains(name); };
  std::string text;
  for (const Candidate::Where& where : candidate_.where)
    if (!std::ranges::all_of(where.condition.Names(), is_fixed))
      text += fmt::format("  at.Line({});\n  at.Where({});\n", where.line, Cpp(where.condition));
  return text;
}

std::string PlanText::Steps() {
  std::string text = Where();
  for (const PlanLine& line : candidate_.plan) {
    text += fmt::format("  at.Line({});\n", line.line);
    std::string head = "  if (at.Step()";
    if (!line.loop_name.empty()) {
      head = fmt::format("  for (long long kopt_i = {}, kopt_end = {}; kopt_i < kopt_end && at.Step(); ++kopt_i",
                         Cpp(*line.loop_begin), Cpp(*line.loop_end));
      names_[line.loop_name] = "kopt_i";
    }
    Enter(&line);
    std::string step = line.kind == PlanLine::Kind::kZero ? Zero(line) : Run(line);
    if (line.when) step = fmt::format("    if ({} != 0) {{\n{}    }}\n", Cpp(*line.when), step);
    Enter(nullptr);
    names_.erase(line.loop_name);
    text += head + ") {\n" + step + "  }\n";
  }
  return text;
}

PlanText::Arguments PlanText::ArgumentsOf(const PlanLine& line, const char* indent) const {
  Arguments arguments;
  for (const Arg& arg : line.args) {
    if (!arg.expr) {
      arguments.expressions.push_back(Argument(arg));
      continue;
    }
    const std::string name = fmt::format("kopt_{}", arguments.expressions.size());
    const std::string value = Cpp(*arg.expr);
    const bool wide = arg.kind == Arg::Kind::kInt64;
    arguments.integers += fmt::format("{}[[maybe_unused]] const {} {} = {};\n", indent, wide ? "long long" : "int",
                                      name, wide ? value : fmt::format("at.Int({})", value));
    arguments.expressions.push_back(name);
  }
  return arguments;
}

std::string PlanText::ScalarArgument(const Arg& arg) const {
  return fmt::format("static_cast<{}>(given.{})", CppName(spec_.FindScalar(arg.name)->dtype, Target::kCpu), arg.name);
}

}  // namespace kopt
