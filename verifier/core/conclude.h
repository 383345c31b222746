// What a verdict's samples come to, on any target.
#pragma once

#include <functional>
#include <vector>

#include "verifier/core/judged.h"
#include "verifier/core/verifier.h"

namespace kopt {

// What the figures are held against.
struct Scale {
  const Spec* spec = nullptr;
  std::vector<const BoundTask*> scored;  // by ShapeSamples::shape
  Peaks peaks;
  double cache_bytes = 0;   // of the device's last cache
  double clock_jitter = 0;  // seconds by which a batch may be seen too short
  // Better peaks where measuring again finds any; those above where it was done often enough. Empty: never.
  std::function<Result<Peaks>()> measure_again;
};

// Seconds a call of the baseline or the candidate, of every batch of these samples, or of all of a shape.
std::vector<double> SecondsPerCall(const ShapeSamples& samples, bool baseline);
std::vector<double> SecondsPerCall(const Verdict& verdict, int shape, bool baseline);

// Fills in the figures of a measured verdict, and evidence["shapes"]: by scored shape time, rates, the bound. What is
// faster than its inputs can be read is refused, after the bandwidths were measured again. A verdict without samples is
// left as it is.
Judged<void> Conclude(Scale scale, Verdict& verdict);

}  // namespace kopt
