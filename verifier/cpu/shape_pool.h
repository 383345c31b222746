// The shapes of a task on this target, each with its pool of input sets.
#pragma once

#include <memory>
#include <vector>

#include "verifier/core/conclude.h"
#include "verifier/cpu/cpu_context.h"
#include "verifier/cpu/set_pool.h"

namespace kopt {

struct ShapePool {
  const Shape* shape = nullptr;
  bool scored = false;
  int number = 0;  // among the scored ones
  BoundTask task;
  std::unique_ptr<SetPool> pool;
};
using ShapePools = std::vector<ShapePool>;

// Scored shapes, then check shapes, with sets that follow from `seed`, static inputs from `static_seed`. Errors: a spec
// that scores no shape here.
Result<ShapePools> NewShapePools(CpuContext& context, uint64_t seed, uint64_t static_seed);

// What the figures of these pools' verdicts are held against. Measuring again needs the lane: not while it is held.
Scale ScaleOf(CpuContext& context, const ShapePools& pools);

}  // namespace kopt
