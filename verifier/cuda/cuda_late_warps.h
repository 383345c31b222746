// Candidates with warps that are late at random (late_warps.h): races that no call has shown yet.
#pragma once

#include "verifier/cuda/cuda_run.h"

namespace kopt {

// Checks the candidate so compiled, in a process of its own, several times on the sets of every check shape and once on
// one of every scored shape. What is wrong there, damaged, or crashes is refused; the evidence ("late_warps") says what
// was checked, or why not all was. A call that does not end in time, or cannot be launched, refuses nothing: sleeping
// takes time, and registers.
Judged<void> CheckWithLateWarps(CudaContext& context, const CudaShapes& shapes, const Candidate& candidate,
                                const Configuration& configuration, Verdict& verdict);

}  // namespace kopt
