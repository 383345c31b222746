// src/run.cpp for kernels that run on a GPU.
#include <fmt/format.h>

#include <algorithm>

#include "agent/export/plan_text.h"
#include "task/cpp_tokens.h"
#include "task/cuda_tensormap.h"
#include "task/source_parts.h"

namespace kopt {

extern const std::string_view kExportRunCuda;

namespace {

// In the order of TensorMapType.
constexpr std::string_view kMapTypes[] = {"UINT8",       "UINT16",   "UINT32",      "INT32",   "UINT64",
                                          "INT64",       "FLOAT16",  "FLOAT32",     "FLOAT64", "BFLOAT16",
                                          "FLOAT32_FTZ", "TFLOAT32", "TFLOAT32_FTZ"};

constexpr int kMostBox = 256 * 8;  // bytes of its innermost extent

class CudaPlanText final : public PlanText {
 public:
  explicit CudaPlanText(const Package& package) : PlanText(package), functions_(CalledFunctions(candidate_)) {
    names_["SMS"] = "at.sms()";
    names_["SMEM_BLOCK"] = "at.shared_memory()";
    NameOccupancies(nullptr);
  }

 private:
  std::string TargetText() override {
    const std::string sizes = Sizes(), steps = Steps(), maps = Maps();
    std::vector<std::string> names;
    for (const PlanLine* line : functions_) names.push_back("\"" + line->function + "\"");
    return Filled(kExportRunCuda, {{"FUNCTION_COUNT", fmt::to_string(functions_.size())},
                                   {"FUNCTIONS", Joined(names)},
                                   {"KERNELS", Kernels()},
                                   {"MAP_COUNT", fmt::to_string(candidate_.tensormaps.size())},
                                   {"OCCUPANCIES", Occupancies(sizes + steps + maps)},
                                   {"SIZES", sizes},
                                   {"STEPS", steps},
                                   {"MAPS", maps},
                                   {"MAJOR", fmt::to_string(package_.Capability() / 10)},
                                   {"MINOR", fmt::to_string(package_.Capability() % 10)},
                                   {"ARCHITECTURE", package_.code.architecture},
                                   {"CHECK_DEVICE", CheckDevice()},
                                   {"DIM_VALUES", DimValues()},
                                   {"DIMS_TYPE", package_.dims_type}});
  }

  Texts TargetTexts() const override {
    std::string includes = "\n#include \"checked.h\"\n#include \"device.h\"\n#include \"plan.h\"\n";
    if (package_.NeedsSmallFloats()) includes += "#include \"small_floats.h\"\n";
    return {{"INCLUDES", includes}, {"DECLARATIONS", Cubins()}};
  }

  std::string Symbol(size_t kernel) const { return fmt::format("{}_kernel_{}", package_.name, kernel); }

  std::string Cubins() const {
    std::string text = "// The compiled kernels, as bytes of this object file that nothing else sees.\n";
    for (size_t kernel = 0; kernel < package_.kernels.size(); ++kernel)
      text += fmt::format(
          "extern \"C\" [[gnu::visibility(\"hidden\")]] const unsigned char {0}[];\n"
          "__asm__(\".pushsection .rodata\\n.balign 64\\n{0}:\\n.incbin \\\"\" KERNEL_FOLDER "
          "\"/kernel_{1}.cubin\\\"\\n.popsection\\n\");\n",
          Symbol(kernel), kernel);
    return text + "\n";
  }

  std::string Kernels() const {
    std::string text;
    for (size_t kernel = 0; kernel < package_.kernels.size(); ++kernel)
      text += fmt::format("    Library<kopt_function_count>({}),\n", Symbol(kernel));
    return text;
  }

  size_t Number(const std::string& function) const {
    return static_cast<size_t>(std::ranges::find(functions_, function, &PlanLine::function) - functions_.begin());
  }

  // ---- occupancy ----

  // What `occupancy(KERNEL)` is in the clauses of `line`; null: everywhere else.
  void NameOccupancies(const PlanLine* line) {
    for (size_t i = 0; i < functions_.size(); ++i) {
      const PlanLine& first = *functions_[i];
      const bool varies = !first.loop_name.empty() && UsesLoop(first);
      names_[fmt::format("occupancy({})", first.function)] =
          varies && line != &first
              ? fmt::format("at.Fail(\"the block and smem of `{}` in line {} vary with its loop variable\")",
                            first.function, first.line)
              : fmt::format("kopt_occupancy_{}(at, call, {})", i, varies ? "kopt_i" : "0");
    }
  }
  void Enter(const PlanLine* line) override { NameOccupancies(line); }

  static bool UsesLoop(const PlanLine& line) {
    const auto uses = [&](const Expr& expr) { return std::ranges::count(expr.Names(), line.loop_name) > 0; };
    return (line.smem && uses(*line.smem)) || std::ranges::any_of(line.block, uses);
  }

  // A function for each occupancy that a text uses, and for those that these functions use.
  std::string Occupancies(const std::string& text) {
    OccupancyTexts texts{.done = std::vector<bool>(functions_.size())};
    AddOccupancies(text, texts);
    if (texts.declared.empty()) return "";
    return "// Blocks of a kernel that fit a multiprocessor, with the block and smem of its first launch.\n" +
           texts.declared + texts.defined + "\n";
  }

  struct OccupancyTexts {
    std::string declared, defined;
    std::vector<bool> done;  // by number of the function
  };
  void AddOccupancies(const std::string& text, OccupancyTexts& texts) {
    for (size_t i = 0; i < functions_.size(); ++i) {
      const std::string name = fmt::format("kopt_occupancy_{}(", i);
      if (texts.done[i] || text.find(name) == std::string::npos) continue;
      texts.done[i] = true;
      const std::string head =
          fmt::format("long long {}Plan& at, const kopt_call& call, [[maybe_unused]] long long kopt_i)", name);
      const std::string body = Occupancy(i);
      texts.declared += head + ";\n";
      texts.defined += head + " {\n" + body + "}\n";
      AddOccupancies(body, texts);
    }
  }

  std::string Occupancy(size_t number) {
    const PlanLine& line = *functions_[number];
    if (!line.loop_name.empty()) names_[line.loop_name] = "kopt_i";
    std::string text = fmt::format(
        "  [[maybe_unused]] const auto& dims = call.dims;\n"
        "  if (!at.Enter(call.functions[{0}], \"{1}\")) return 0;\n"
        "  const long long blocks = at.Occupancy({{call.functions[{0}], \"{1}\"}}, {{{2}}}, {3});\n"
        "  at.Leave();\n"
        "  return blocks;\n",
        number, line.function, Cpp(line.block), Smem(line));
    names_.erase(line.loop_name);
    return text;
  }

  // ---- steps ----

  std::string Smem(const PlanLine& line) const { return line.smem ? Cpp(*line.smem) : "0"; }

  std::string Zero(const PlanLine& line) const override {
    return fmt::format("    if constexpr (kRuns) at.Zero({}, \"{}\");\n", Storage(line.function), line.function);
  }

  std::string Run(const PlanLine& line) const override {
    std::string text = fmt::format(
        "    Launch launch{{call.functions[{}], \"{}\"}};\n"
        "    if (at.Grid(launch, {{{}}})) {{\n"
        "      at.Block(launch, {{{}}}, {});\n",
        Number(line.function), line.function, Cpp(line.grid), Cpp(line.block), Smem(line));
    if (!line.cluster.empty()) text += fmt::format("      at.Cluster(launch, {{{}}});\n", Cpp(line.cluster));
    if (line.cooperative) text += "      launch.cooperative = true;\n";
    if (line.pdl) text += "      launch.dependent = true;\n";
    text += "      if constexpr (!kRuns) at.Admit(launch);\n";
    for (const Arg& arg : line.args)
      if (arg.kind == Arg::Kind::kTensorMap) text += fmt::format("      call.uses[{}] = true;\n", MapNumber(arg.name));
    Arguments arguments = ArgumentsOf(line, "      ");
    arguments.expressions.insert(arguments.expressions.begin(), "launch");
    return text + arguments.integers + Lines("      if constexpr (kRuns) at.Start(", arguments.expressions, ");\n") +
           "    }\n";
  }

  std::string Argument(const Arg& arg) const override {
    if (arg.kind == Arg::Kind::kScalar) return ScalarArgument(arg);
    if (arg.kind == Arg::Kind::kTensorMap) return fmt::format("call.maps[{}]", MapNumber(arg.name));
    if (arg.kind == Arg::Kind::kScratch)
      return fmt::format("scratch + call.scratch_at[{}]", package_.ScratchNumber(arg.name));
    return "given." + arg.name;
  }

  // ---- tensor maps ----

  size_t MapNumber(const std::string& name) const {
    const auto& maps = candidate_.tensormaps;
    return static_cast<size_t>(std::ranges::find(maps, name, &TensorMap::name) - maps.begin());
  }

  // Address and bytes of a tensor or scratch.
  std::string Storage(const std::string& name) const {
    const size_t tensor = package_.TensorNumber(name);
    if (tensor < package_.tensors.size())
      return fmt::format("reinterpret_cast<CUdeviceptr>(given.{}), call.bytes[{}]", name, tensor);
    return fmt::format("scratch + call.scratch_at[{0}], call.scratch_bytes[{0}]", package_.ScratchNumber(name));
  }

  std::string Maps() const {
    std::string text;
    for (size_t i = 0; i < candidate_.tensormaps.size(); ++i) {
      const TensorMap& map = candidate_.tensormaps[i];
      text += fmt::format("  at.Line({});\n  if (call.uses[{}]) {{\n{}  }}\n", map.line, i, Map(map, i));
    }
    return text;
  }

  std::string Map(const TensorMap& map, size_t number) const {
    const Scratch* scratch = candidate_.FindScratch(map.tensor);
    const DType dtype = scratch != nullptr ? scratch->dtype : spec_.FindTensor(map.tensor)->dtype;
    const auto type = TensorMapTypeOf(map, dtype);
    if (!type) return fmt::format("    at.Fail(\"{}\");\n", type.error().message);
    const std::string swizzle = map.swizzle == 0 ? "NONE" : fmt::format("{}B", map.swizzle);
    const std::string promotion = map.l2 == 0 ? "NONE" : fmt::format("L2_{}B", map.l2);
    return fmt::format(
               "    const MapKind kind = {{\"{}\", \"{}\", CU_TENSOR_MAP_DATA_TYPE_{},\n"
               "                          CU_TENSOR_MAP_SWIZZLE_{}, CU_TENSOR_MAP_L2_PROMOTION_{},\n"
               "                          CU_TENSOR_MAP_FLOAT_OOB_FILL_{}, {}, {}}};\n",
               map.name, map.tensor, kMapTypes[static_cast<size_t>(*type)], swizzle, promotion,
               map.fill == "nan" ? "NAN_REQUEST_ZERO_FMA" : "NONE", Size(dtype),
               map.swizzle == 0 ? kMostBox : map.swizzle) +
           Lines("    at.Map(",
                 {fmt::format("call.maps[{}]", number), "kind", Storage(map.tensor), List(map.dims), List(map.box),
                  List(map.strides), List(map.step)},
                 ");\n");
  }
  std::string List(const std::vector<Expr>& exprs) const { return "{" + Cpp(exprs) + "}"; }

  // ---- device ----

  // What is a constant in the compiled code must be what the device has.
  std::string CheckDevice() const {
    std::string text;
    const auto check = [&](const char* name, const char* member, const char* words) {
      if (!package_.Names(name)) return;
      const long long value = package_.device.values.at(name);
      text += fmt::format(
          "  if (device.{0} != {1})\n"
          "    return {{Code::kNoDevice, \"the kernels are compiled for {1} {2}; this is \" + device.Text()}};\n",
          member, value, words);
    };
    check("SMS", "sms", "multiprocessors");
    check("SMEM_BLOCK", "shared_memory", "bytes of shared memory a block");
    return text;
  }

  std::vector<const PlanLine*> functions_;  // the first launch of each kernel
};

}  // namespace

std::string CudaRunText(const Package& package) { return CudaPlanText(package).Text(); }

}  // namespace kopt
