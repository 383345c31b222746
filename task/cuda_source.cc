#include "task/cuda_source.h"

#include "task/source_parts.h"

namespace kopt {

Result<CudaSource> GenerateCudaSource(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                      const Shape& shape, const Values& device) {
  if (candidate.target != Target::kCuda) return InternalError("a candidate for the cpu has no cuda source");
  CudaSource source;
  KOPT_TRY(source.text, SourceText(spec, candidate, configuration, shape, device, "candidate.cu"));
  return source;
}

}  // namespace kopt
