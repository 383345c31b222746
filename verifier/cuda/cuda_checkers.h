// compute-sanitizer over the code that is judged.
#pragma once

#include "verifier/cuda/cuda_run.h"

namespace kopt {

// Calls the candidate at every check shape under memcheck, racecheck, synccheck and initcheck, each in a process of its
// own, with the compiled code that is judged, and once without any: the evidence says whether the outputs are the same
// bit by bit. The evidence ("device_checkers") has each tool's answer, or why there is none. Refuses (unsafe) what
// memcheck, racecheck or synccheck call an error (sanitizer_log.h: two kinds are none; of code with bar.arrive, which
// it does not follow, racecheck's are none), and a candidate that fails without any tool. `run`: has the plans of all
// shapes.
Judged<void> RunDeviceCheckers(CudaContext& context, const CudaRun& run, const CudaShapes& shapes,
                               const Candidate& candidate, const CudaObjects& objects, Verdict& verdict);

}  // namespace kopt
