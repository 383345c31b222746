// How long a candidate's calls may take.
#pragma once

#include <cstddef>

namespace kopt {

// Seconds a batch may take: 20 x the baseline's time per call, at least 0.2 s a launch and for all launches of a call
// no more than the spec's limit for one; without a baseline the spec's limit per call.
struct Deadline {
  double baseline_call_seconds = 0;  // 0: no baseline yet
  double limit_seconds = 10;
  double Of(size_t launches, size_t calls) const;
};

}  // namespace kopt
