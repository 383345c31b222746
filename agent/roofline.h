// Speed of light: the least time the device could need for a task.
#pragma once

#include <optional>
#include <string>

#include "task/spec.h"
#include "verifier/core/verifier.h"

namespace kopt {

struct SpeedOfLight {
  double seconds = 0;  // of one call
  std::string bound;   // "bytes" or "flops": which of the two decides
};

// max(flops / peak rate of the task's unit, bytes / best bandwidth) at one shape. A peak that was not measured drops
// its term; nothing without any.
std::optional<SpeedOfLight> ComputeSpeedOfLight(const BoundTask& task, const Peaks& peaks);

// The smallest true slowdown (a fraction: 0.012) that these samples would have found 95 times of 100: the worst
// shape's, disturbed quads dropped. Nothing without enough samples.
std::optional<double> Resolution(const Verdict& verdict);

}  // namespace kopt
