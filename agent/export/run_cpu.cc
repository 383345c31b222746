// src/run.cpp for kernels that run on the CPU.
#include <fmt/format.h>

#include "agent/export/plan_text.h"
#include "task/source_parts.h"

namespace kopt {

extern const std::string_view kExportRunCpu;

namespace {

class CpuPlanText final : public PlanText {
 public:
  explicit CpuPlanText(const Package& package) : PlanText(package) { names_["THREADS"] = CppLiteral(package.threads); }

 private:
  std::string TargetText() override {
    return Filled(kExportRunCpu,
                  {{"FUNCTIONS", Functions()},
                   {"KERNELS", Kernels()},
                   {"SIZES", Sizes()},
                   {"STEPS", Steps()},
                   {"DIM_VALUES", DimValues()},
                   {"DIMS_TYPE", package_.dims_type},
                   {"THREADS", fmt::to_string(package_.threads)},
                   {"CHECK_THREADS", CheckThreads()},
                   {"NO_THREADS", package_.names_threads ? "call Run outside of parallel regions"
                                                         : "call Run outside of parallel regions, or with "
                                                           "options.threads = 1"}});
  }

  Texts TargetTexts() const override {
    return {{"INCLUDES", "#include <mutex>\n\n#include \"checked.h\"\n#include \"prefix.h\"\n#include \"threads.h\"\n"},
            {"DECLARATIONS", Declarations()}};
  }

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

  std::string Zero(const PlanLine& line) const override {
    const size_t tensor = package_.TensorNumber(line.function);
    if (tensor < package_.tensors.size())
      return fmt::format("    if constexpr (kRuns) std::memset(given.{}, 0, call.bytes[{}]);\n", line.function, tensor);
    const size_t scratch = package_.ScratchNumber(line.function);
    return fmt::format(
        "    if constexpr (kRuns) std::memset(scratch + call.scratch_at[{0}], 0, call.scratch_bytes[{0}]);\n", scratch);
  }

  std::string Run(const PlanLine& line) const override {
    const Arguments arguments = ArgumentsOf(line, "    ");
    const std::string head = fmt::format("    if constexpr (kRuns) call.functions->{}(", line.function);
    return arguments.integers + Lines(head, arguments.expressions, ");\n");
  }

  std::string Argument(const Arg& arg) const override {
    if (arg.kind == Arg::Kind::kScalar) return ScalarArgument(arg);
    if (arg.kind == Arg::Kind::kScratch) {
      const size_t number = package_.ScratchNumber(arg.name);
      return fmt::format("reinterpret_cast<{}*>(scratch + call.scratch_at[{}])",
                         CppName(candidate_.scratch[number].dtype, Target::kCpu), number);
    }
    const Tensor& tensor = *spec_.FindTensor(arg.name);
    if (CppName(tensor.dtype, Target::kCpu) == package_.Type(tensor.dtype)) return "given." + tensor.name;
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
};

}  // namespace

std::string CpuRunText(const Package& package) { return CpuPlanText(package).Text(); }

}  // namespace kopt
