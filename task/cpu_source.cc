#include "task/cpu_source.h"

#include <fmt/ranges.h>

#include <climits>
#include <set>
#include <utility>

#include "task/plan_lexer.h"

namespace kopt {
namespace {

// The stubs are a translation unit of their own that nothing of the candidate can reach: no includes, and of the small
// types only what decides how they are passed.
constexpr std::string_view kStubTypes =
    "#line 1 \"kopt stubs\"\n"
    "struct kopt_bf16 { unsigned short bits; };\n"
    "struct kopt_e4m3 { unsigned char bits; };\n"
    "struct kopt_e5m2 { unsigned char bits; };\n";

std::string Constant(const std::string& name, long long value) {
  bool fits = value >= INT_MIN && value <= INT_MAX;
  if (value == LLONG_MIN) return fmt::format("constexpr long long {} = -{}LL - 1;\n", name, LLONG_MAX);
  if (value == INT_MIN) return fmt::format("constexpr int {} = -{} - 1;\n", name, INT_MAX);
  return fmt::format("constexpr {} {} = {}{};\n", fits ? "int" : "long long", name, value, fits ? "" : "LL");
}

class Generator {
 public:
  Generator(const Spec& spec, const Candidate& candidate) : spec_(spec), candidate_(candidate) {}

  // Types of tensors and scratch, constant dims, tunables, device values.
  Result<std::string> Header(const Configuration& configuration, const Shape& shape, const Values& device) const {
    std::string text;
    for (const Tensor& tensor : spec_.tensors)
      if (tensor.role != Tensor::Role::kTemp) text += Type(tensor.name, tensor.dtype);
    for (const Scratch& scratch : candidate_.scratch) text += Type(scratch.name, scratch.dtype);
    for (const std::string& dim : spec_.dims) {
      if (spec_.IsDynamic(dim)) continue;
      auto value = shape.dims.find(dim);
      if (value == shape.dims.end()) return InternalError(fmt::format("a shape does not bind the dim `{}`", dim));
      text += Constant(dim, value->second);
    }
    for (const Tunable& tunable : candidate_.tunables) {
      auto value = configuration.find(tunable.name);
      if (value == configuration.end())
        return PlanError(candidate_.file, tunable.line, 0,
                         fmt::format("the configuration has no value for `{}`", tunable.name), tunable.name);
      text += Constant(tunable.name, value->second);
    }
    for (const auto& [name, value] : device) text += Constant(name, value);
    return text;
  }

  // One declaration a function, by its first line.
  std::string Declarations() const {
    std::string text;
    for (const PlanLine* line : CalledFunctions(candidate_))
      text += fmt::format("extern \"C\" void {}({});\n", line->function, fmt::join(Parameters(*line), ", "));
    return text;
  }

  std::vector<std::string> Parameters(const PlanLine& line) const {
    std::vector<std::string> parameters;
    for (const Arg& arg : line.args) parameters.push_back(Parameter(arg));
    return parameters;
  }

  std::string Entry() const {
    std::string text =
        "extern \"C\" __attribute__((visibility(\"default\"))) void kopt_entry(int stub, void* const* args) {\n"
        "  (void)args;\n"
        "  switch (stub) {\n";
    int stub = 0;
    for (const PlanLine& line : candidate_.plan) {
      if (line.kind != PlanLine::Kind::kCall) continue;
      std::string arguments;
      for (size_t i = 0; i < line.args.size(); ++i) arguments += (i ? ", " : "") + Load(line.args[i], i);
      text += fmt::format("    case {}:\n      {}({});\n      break;\n", stub++, line.function, arguments);
    }
    return text + "    default:\n      __builtin_trap();\n  }\n}\n";
  }

 private:
  static std::string Type(const std::string& name, DType dtype) {
    return fmt::format("using {}_t = {};\n", name, CppName(dtype));
  }

  DType TypeOf(const Arg& arg) const {
    if (arg.kind == Arg::Kind::kTensor) return spec_.FindTensor(arg.name)->dtype;
    if (arg.kind == Arg::Kind::kScalar) return spec_.FindScalar(arg.name)->dtype;
    for (const Scratch& scratch : candidate_.scratch)
      if (scratch.name == arg.name) return scratch.dtype;
    return DType::kF32;
  }

  std::string Parameter(const Arg& arg) const {
    switch (arg.kind) {
      case Arg::Kind::kTensor:
        return fmt::format("{}{}*", spec_.FindTensor(arg.name)->IsWritten() ? "" : "const ", CppName(TypeOf(arg)));
      case Arg::Kind::kScratch:
        return fmt::format("{}*", CppName(TypeOf(arg)));
      case Arg::Kind::kInt:
        return "int";
      case Arg::Kind::kInt64:
        return "long long";
      default:
        return std::string(CppName(TypeOf(arg)));
    }
  }

  std::string Load(const Arg& arg, size_t i) const {
    bool pointer = arg.kind == Arg::Kind::kTensor || arg.kind == Arg::Kind::kScratch;
    if (pointer) return fmt::format("static_cast<{}>(args[{}])", Parameter(arg), i);
    return fmt::format("*static_cast<const {}*>(args[{}])", Parameter(arg), i);
  }

  const Spec& spec_;
  const Candidate& candidate_;
};

}  // namespace

Result<std::string> CpuHeader(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                              const Shape& shape, const Values& device) {
  return Generator(spec, candidate).Header(configuration, shape, device);
}

std::vector<std::string> CpuParameters(const Spec& spec, const Candidate& candidate, const PlanLine& call) {
  return Generator(spec, candidate).Parameters(call);
}

std::vector<const PlanLine*> CalledFunctions(const Candidate& candidate) {
  std::set<std::string_view> seen;
  std::vector<const PlanLine*> lines;
  for (const PlanLine& line : candidate.plan)
    if (line.kind == PlanLine::Kind::kCall && seen.insert(line.function).second) lines.push_back(&line);
  return lines;
}

Result<CpuSource> GenerateCpuSource(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                    const Shape& shape, const Values& device) {
  if (candidate.target != Target::kCpu) return InternalError("a candidate for cuda has no cpu source");
  Generator generator(spec, candidate);
  KOPT_TRY(std::string header, generator.Header(configuration, shape, device));
  std::string declarations = generator.Declarations();
  CpuSource source;
  source.candidate = fmt::format("#line 1 \"generated header\"\n{}{}#line 1 \"candidate.cpp\"\n{}", header,
                                 declarations, candidate.source);
  source.stubs = fmt::format("{}{}{}", kStubTypes, declarations, generator.Entry());
  return source;
}

}  // namespace kopt
