#include "task/cpu_source.h"

#include <fmt/format.h>

#include <string>

#include "task/candidate.h"
#include "task/source_parts.h"

namespace kopt {
namespace {

// The stubs are a translation unit of their own that nothing of the candidate can reach: no includes, and of the small
// types only what decides how they are passed.
constexpr std::string_view kStubTypes =
    "#line 1 \"kopt stubs\"\n"
    "struct kopt_bf16 { unsigned short bits; };\n"
    "struct kopt_e4m3 { unsigned char bits; };\n"
    "struct kopt_e5m2 { unsigned char bits; };\n";

std::string Load(const Spec& spec, const Candidate& candidate, const Arg& arg, size_t i) {
  const std::string type = ParameterType(spec, candidate, arg);
  bool pointer = arg.kind == Arg::Kind::kTensor || arg.kind == Arg::Kind::kScratch;
  if (pointer) return fmt::format("static_cast<{}>(args[{}])", type, i);
  return fmt::format("*static_cast<const {}*>(args[{}])", type, i);
}

std::string Entry(const Spec& spec, const Candidate& candidate) {
  std::string text =
      "extern \"C\" __attribute__((visibility(\"default\"))) void kopt_entry(int stub, void* const* args) {\n"
      "  (void)args;\n"
      "  switch (stub) {\n";
  int stub = 0;
  for (const PlanLine& line : candidate.plan) {
    if (line.kind != PlanLine::Kind::kCall) continue;
    std::string arguments;
    for (size_t i = 0; i < line.args.size(); ++i) arguments += (i ? ", " : "") + Load(spec, candidate, line.args[i], i);
    text += fmt::format("    case {}:\n      {}({});\n      break;\n", stub++, line.function, arguments);
  }
  return text + "    default:\n      __builtin_trap();\n  }\n}\n";
}

}  // namespace

Result<CpuSource> GenerateCpuSource(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                    const Shape& shape, const Values& device) {
  if (candidate.target != Target::kCpu) return InternalError("a candidate for cuda has no cpu source");
  CpuSource source;
  KOPT_TRY(source.candidate, SourceText(spec, candidate, configuration, shape, device, "candidate.cpp"));
  source.stubs = fmt::format("{}{}{}", kStubTypes, Declarations(spec, candidate), Entry(spec, candidate));
  return source;
}

}  // namespace kopt
