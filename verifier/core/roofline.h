// The least time that a task can take on a device, from measured peaks.
#pragma once

#include "task/spec.h"
#include "verifier/core/verifier.h"

namespace kopt {

struct Roofline {
  double seconds = 0;       // max of the two below; 0: not known
  double byte_seconds = 0;  // all declared bytes at the best bandwidth
  double flop_seconds = 0;
  double floor_seconds = 0;  // hard: bytes read at the best bandwidth, bytes written only beyond the last cache's size
};
// A time below this fraction of the floor is not believed.
inline constexpr double kBelievable = 0.85;

Roofline RooflineOf(const BoundTask& task, const Peaks& peaks, double cache_bytes);

// Size of the last-level cache; 0: not known.
double LastCacheBytes();

}  // namespace kopt
