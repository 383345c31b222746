// Candidates with warps that are late at random (late_warps.h): races that no call has shown yet.
#pragma once

#include <functional>

#include "verifier/cuda/cuda_run.h"

namespace kopt {

// Checks the candidate so compiled, in a process of its own, several times on the sets of every check shape and once on
// one of every scored shape. What is wrong there, is damaged, crashes or does not end is refused; the evidence
// ("late_warps") says what was checked, or why nothing was. `objects`: as judged. `call_seconds`: what a call takes
// otherwise, at most.
Judged<void> CheckWithLateWarps(CudaContext& context, const CudaShapes& shapes, const Candidate& candidate,
                                const Configuration& configuration, const CudaObjects& objects,
                                const std::function<double(const Shape&)>& call_seconds, Verdict& verdict);

}  // namespace kopt
