// src/kernel_N.cpp, .cu: what the compiler was given when the candidate was judged, in the same order.
#include <fmt/format.h>

#include "agent/export/parts.h"
#include "task/source_parts.h"

namespace kopt {

Result<std::string> KernelText(const Package& package, size_t kernel) {
  const Spec& spec = package.spec();
  const Candidate& candidate = package.candidate();
  const Shape& shape = *package.kernels[kernel];
  KOPT_TRY(const std::string header,
           GeneratedHeader(spec, candidate, package.winner.configuration, shape, package.device.values));
  std::string constant;
  for (const std::string& dim : spec.dims)
    if (!spec.IsDynamic(dim)) constant += fmt::format(" {}={}", dim, shape.dims.at(dim));
  const std::string file = package.KernelFile();
  std::string text =
      Commented("//", fmt::format("{}, compiled for{}.", file, constant.empty() ? " every shape" : constant));
  text += fmt::format("#include \"prefix.{}\"\n\n{}\n", package.IsCuda() ? "cuh" : "h", header);
  if (package.IsCuda()) return text + Declarations(spec, candidate) + "\n#include \"kernel.cu\"\n";
  for (const PlanLine* line : CalledFunctions(candidate)) {
    const std::string symbol = fmt::format("{}_kernel_{}_{}", package.name, kernel, line->function);
    text += Lines(fmt::format("extern \"C\" void {}(", line->function), ParameterTypes(spec, candidate, *line), ")");
    text += fmt::format("\n    __asm__(\"{}\");\n", symbol);
  }
  return text + "\n#include \"" + file + "\"\n";
}

}  // namespace kopt
