// src/kernel_N.cpp: what the compiler was given when the candidate was judged, in the same order.
#include <fmt/format.h>

#include "agent/export/parts.h"
#include "task/source_parts.h"

namespace kopt {

Result<std::string> KernelText(const Package& package, size_t kernel) {
  const Spec& spec = package.spec();
  const Candidate& candidate = package.candidate();
  const Shape& shape = *package.kernels[kernel];
  KOPT_TRY(const std::string header,
           GeneratedHeader(spec, candidate, package.winner.configuration, shape, {{"THREADS", package.threads}}));
  std::string constant;
  for (const std::string& dim : spec.dims)
    if (!spec.IsDynamic(dim)) constant += fmt::format(" {}={}", dim, shape.dims.at(dim));
  std::string text =
      Commented("//", fmt::format("kernel.inl, compiled for{}.", constant.empty() ? " every shape" : constant));
  text += "#include \"prefix.h\"\n\n" + header + "\n";
  for (const PlanLine* line : CalledFunctions(candidate)) {
    const std::string symbol = fmt::format("{}_kernel_{}_{}", package.name, kernel, line->function);
    text += Lines(fmt::format("extern \"C\" void {}(", line->function), ParameterTypes(spec, candidate, *line), ")");
    text += fmt::format("\n    __asm__(\"{}\");\n", symbol);
  }
  return text + "\n#include \"kernel.inl\"\n";
}

}  // namespace kopt
