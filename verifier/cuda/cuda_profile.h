// What bounds a candidate on the device.
#pragma once

#include <functional>

#include "verifier/core/profile.h"
#include "verifier/cuda/cuda_run.h"

namespace kopt {

// CUPTI's names of what is counted.
std::vector<std::string> ProfileMetrics();

// The worker's answer to `profile`, the values in the order of the metrics that were asked for.
CallProfile CallProfileOf(const nlohmann::json& answer);

// Profiles a call of the candidate at the scored shapes that take longest, two at most. The evidence gets the lines
// ("profile") and the figures behind them ("counters"), or why there are none. Nothing may be timed in this process
// afterwards.
Judged<void> TakeProfile(CudaContext& context, CudaRun& run, const CudaShapes& shapes, const Candidate& candidate,
                         const std::function<Deadline(const Shape&)>& deadline, Verdict& verdict);

}  // namespace kopt
