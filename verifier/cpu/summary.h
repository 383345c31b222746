// What a verdict's samples come to.
#pragma once

#include "verifier/cpu/judged.h"
#include "verifier/cpu/shape_pool.h"

namespace kopt {

// Fills in the figures of a measured verdict, and evidence["shapes"]: by scored shape time, rates, the bound. What is
// faster than its inputs can be read is refused, after the bandwidths were measured again: so not while the lane is
// held. A verdict without samples is left as it is.
Judged<void> Conclude(CpuContext& context, const ShapePools& pools, Verdict& verdict);

}  // namespace kopt
