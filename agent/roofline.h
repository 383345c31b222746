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

// Samples turned into the smallest difference in speed that they can resolve (a fraction: 0.012), the worst shape's;
// all processes of a shape together. Nothing without samples.
std::optional<double> Resolution(const Verdict& verdict);

}  // namespace kopt
