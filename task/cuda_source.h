// What the run-time compiler gets for the cuda target after a fixed prefix of the toolkit's headers.
#pragma once

#include <string>

#include "task/candidate.h"

namespace kopt {

// The generated header, a declaration of every launched kernel and the candidate, with #line, so that messages name
// `candidate.cu` and its own lines. The prefix has to declare CUtensorMap, __half, __nv_bfloat16 and the fp8 types.
struct CudaSource {
  std::string text;
};
// Constant dims come from `shape`; shapes that differ only in dynamic dims give the same text. `device` binds SMS and
// SMEM_BLOCK.
Result<CudaSource> GenerateCudaSource(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                      const Shape& shape, const Values& device);

}  // namespace kopt
