// src/run.cpp: the public function. The template has what is the same everywhere; here is what follows from the spec
// and the plan.
#include <fmt/format.h>

#include <algorithm>

#include "agent/export/parts.h"
#include "task/source_parts.h"

namespace kopt {

extern const std::string_view kExportRun;

namespace {

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

class RunWriter {
 public:
  explicit RunWriter(const Package& package)
      : package_(package), spec_(package.spec()), candidate_(package.candidate()) {
    for (const std::string& dim : spec_.dims) names_[dim] = "dims." + dim;
    for (const auto& [name, value] : package.winner.configuration) names_[name] = CppLiteral(value);
    names_["THREADS"] = CppLiteral(package.threads);
  }

  std::string Text() {
    std::vector<std::string> dim_names, constant, dim_values, list;
    for (const std::string& dim : spec_.dims) {
      dim_names.push_back("\"" + dim + "\"");
      constant.emplace_back(spec_.IsDynamic(dim) ? "false" : "true");
      dim_values.push_back("dims." + dim);
    }
    for (const Tensor* tensor : package_.tensors) list.push_back(tensor->name);
    for (const Scalar& scalar : spec_.scalars) list.push_back(scalar.name);
    return Filled(
        kExportRun,
        {{"DECLARATIONS", Declarations()},
         {"DIM_COUNT", fmt::to_string(spec_.dims.size())},
         {"DIM_NAMES", Joined(dim_names)},
         {"DIM_CONSTANT", Joined(constant)},
         {"DIM_VALUES", Joined(dim_values)},
         {"SHAPES", Shapes()},
         {"FUNCTIONS", Functions()},
         {"KERNELS", Kernels()},
         {"ARGUMENTS", Arguments()},
         {"TENSOR_COUNT", fmt::to_string(package_.tensors.size())},
         {"SCRATCH_COUNT", fmt::to_string(candidate_.scratch.size())},
         {"SIZES", Sizes()},
         {"STEPS", Steps()},
         {"THREADS", fmt::to_string(package_.threads)},
         {"CHECK_THREADS", CheckThreads()},
         {"NO_THREADS", package_.names_threads ? "call Run outside of parallel regions"
                                               : "call Run outside of parallel regions, or with options.threads = 1"},
         {"PLACES", Places()},
         {"RUN_DEFINITION", Lines("Status Run(", Parameters(package_, false), ")")},
         {"RUN_BODY", Lines(fmt::format("  return kopt_run({}, {{", package_.dims), list,
                            fmt::format("}}, {});", package_.options))},
         {"DIMS_TYPE", package_.dims_type},
         {"NAME", package_.name}});
  }

 private:
  std::string Symbol(size_t kernel, const std::string& function) const {
    return fmt::format("{}_kernel_{}_{}", package_.name, kernel, function);
  }

  std::string Declarations() const {
    std::string text = "extern \"C\" {\n";
    for (size_t kernel = 0; kernel < package_.kernels.size(); ++kernel)
      for (const PlanLine* line : CalledFunctions(candidate_))
        text += Lines(fmt::format("void {}(", Symbol(kernel, line->function)), ParameterTypes(spec_, candidate_, *line),
                      ");\n");
    return text + "}\n\n";
  }

  std::string Shapes() const {
    std::string text;
    for (const PackageShape& shape : package_.shapes)
      text += fmt::format("    {{{{{}}}, {}}},\n", DimValues(spec_, *shape.shape), shape.kernel);
    return text;
  }

  std::string Functions() const {
    std::string text;
    for (const PlanLine* line : CalledFunctions(candidate_))
      text += Lines(fmt::format("  void (*{})(", line->function), ParameterTypes(spec_, candidate_, *line), ");\n");
    return text;
  }

  std::string Kernels() const {
    std::string text;
    for (size_t kernel = 0; kernel < package_.kernels.size(); ++kernel) {
      std::vector<std::string> symbols;
      for (const PlanLine* line : CalledFunctions(candidate_)) symbols.push_back(Symbol(kernel, line->function));
      text += Lines("    {", symbols, "},\n");
    }
    return text;
  }

  std::string Arguments() const {
    std::string text;
    for (const Tensor* tensor : package_.tensors)
      text +=
          fmt::format("  {}{}* {};\n", tensor->IsWritten() ? "" : "const ", PublicType(tensor->dtype), tensor->name);
    for (const Scalar& scalar : spec_.scalars)
      text += fmt::format("  {} {};\n", PublicScalarType(scalar.dtype), scalar.name);
    return text;
  }

  bool DependsOnShape(const Expr& expr) const {
    const auto is_dim = [&](const std::string& name) { return std::ranges::count(spec_.dims, name) > 0; };
    return std::ranges::any_of(expr.Names(), is_dim);
  }

  std::string Cpp(const Expr& expr) const { return CppText(expr, names_); }
  std::string Cpp(const std::vector<Expr>& exprs) const {
    std::vector<std::string> parts;
    for (const Expr& expr : exprs) parts.push_back(Cpp(expr));
    return Joined(parts);
  }

  std::string Sizes() const {
    std::string text;
    for (size_t i = 0; i < package_.tensors.size(); ++i) {
      const Tensor& tensor = *package_.tensors[i];
      const std::string strides = tensor.strides.empty() ? "" : fmt::format(", {{{}}}", Cpp(tensor.strides));
      text += fmt::format("  at.Tensor(\"{}\");\n", tensor.name);
      text += fmt::format("  call.bytes[{}] = at.Bytes({}, {{{}}}{});\n", i, Size(tensor.dtype), Cpp(tensor.shape),
                          strides);
    }
    for (size_t i = 0; i < candidate_.scratch.size(); ++i) {
      const Scratch& scratch = candidate_.scratch[i];
      text += fmt::format("  at.Line({});\n", scratch.line);
      text += fmt::format("  call.scratch_bytes[{}] = at.Bytes({}, {{{}}});  // {}\n", i, Size(scratch.dtype),
                          Cpp(scratch.shape), scratch.name);
    }
    return text;
  }

  std::string Steps() {
    std::string text;
    for (const Candidate::Where& where : candidate_.where)
      if (DependsOnShape(where.condition))
        text += fmt::format("  at.Line({});\n  at.Where({});\n", where.line, Cpp(where.condition));
    for (const PlanLine& line : candidate_.plan) {
      text += fmt::format("  at.Line({});\n", line.line);
      std::string head = "  if (at.Step()";
      if (!line.loop_name.empty()) {
        head = fmt::format("  for (long long kopt_i = {}, kopt_end = {}; kopt_i < kopt_end && at.Step(); ++kopt_i",
                           Cpp(*line.loop_begin), Cpp(*line.loop_end));
        names_[line.loop_name] = "kopt_i";
      }
      text += head + ") {\n" + (line.kind == PlanLine::Kind::kZero ? Zero(line) : Call(line)) + "  }\n";
      names_.erase(line.loop_name);
    }
    return text;
  }

  std::string Zero(const PlanLine& line) const {
    const size_t tensor = package_.TensorNumber(line.function);
    if (tensor < package_.tensors.size())
      return fmt::format("    if constexpr (kRuns) std::memset(given.{}, 0, call.bytes[{}]);\n", line.function, tensor);
    const size_t scratch = package_.ScratchNumber(line.function);
    return fmt::format(
        "    if constexpr (kRuns) std::memset(scratch + call.scratch_at[{0}], 0, call.scratch_bytes[{0}]);\n", scratch);
  }

  std::string Call(const PlanLine& line) const {
    std::vector<std::string> arguments;
    std::string integers;
    for (const Arg& arg : line.args) {
      if (!arg.expr) {
        arguments.push_back(Argument(arg));
        continue;
      }
      const std::string name = fmt::format("kopt_{}", arguments.size());
      const std::string value = Cpp(*arg.expr);
      integers += arg.kind == Arg::Kind::kInt64
                      ? fmt::format("    [[maybe_unused]] const long long {} = {};\n", name, value)
                      : fmt::format("    [[maybe_unused]] const int {} = at.Int({});\n", name, value);
      arguments.push_back(name);
    }
    const std::string head = fmt::format("    if constexpr (kRuns) call.functions->{}(", line.function);
    std::string text = integers + Lines(head, arguments, ");\n");
    if (!line.when) return text;
    return fmt::format("    if ({} != 0) {{\n{}    }}\n", Cpp(*line.when), text);
  }

  // A tensor, scratch or scalar as the kernel's function takes it.
  std::string Argument(const Arg& arg) const {
    if (arg.kind == Arg::Kind::kScratch) {
      const size_t number = package_.ScratchNumber(arg.name);
      return fmt::format("reinterpret_cast<{}*>(scratch + call.scratch_at[{}])",
                         CppName(candidate_.scratch[number].dtype, Target::kCpu), number);
    }
    if (arg.kind == Arg::Kind::kScalar) {
      const DType dtype = spec_.FindScalar(arg.name)->dtype;
      return fmt::format("static_cast<{}>(given.{})", CppName(dtype, Target::kCpu), arg.name);
    }
    const Tensor& tensor = *spec_.FindTensor(arg.name);
    if (CppName(tensor.dtype, Target::kCpu) == PublicType(tensor.dtype)) return "given." + tensor.name;
    return fmt::format("reinterpret_cast<{}{}*>(given.{})", tensor.IsWritten() ? "" : "const ",
                       CppName(tensor.dtype, Target::kCpu), tensor.name);
  }

  std::string CheckThreads() const {
    if (!package_.names_threads)
      return "  if (call.threads < 1) return {Code::kBadArgument, \"options.threads is \" + "
             "std::to_string(call.threads)};";
    return fmt::format(
        "  if (call.threads != {0}) {{\n"
        "    return {{Code::kBadArgument, \"options.threads is \" + std::to_string(call.threads) +\n"
        "                                    \"; the kernel is compiled for {0}\"}};\n"
        "  }}",
        package_.threads);
  }

  std::string Places() const {
    std::string text;
    for (size_t i = 0; i < package_.tensors.size(); ++i) {
      const Tensor& tensor = *package_.tensors[i];
      text += fmt::format("      {{\"{0}\", given.{0}, call.bytes[{1}], {2}, {3}}},\n", tensor.name, i, tensor.align,
                          tensor.IsWritten());
    }
    return text;
  }

  const Package& package_;
  const Spec& spec_;
  const Candidate& candidate_;
  NameTexts names_;
};

}  // namespace

std::string RunText(const Package& package) { return RunWriter(package).Text(); }

}  // namespace kopt
