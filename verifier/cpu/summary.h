// What a verdict's samples come to.
#pragma once

#include "verifier/cpu/judged.h"
#include "verifier/cpu/shape_pool.h"

namespace kopt {

// Fills in the figures of a measured verdict, and evidence["shapes"]: by scored shape time, rates, the bound.
void Summarise(const CpuContext& context, const ShapePools& pools, Verdict& verdict);

// A refusal of what is faster than the bytes can be moved.
Judged<void> Believe(const CpuContext& context, const ShapePools& pools, const Verdict& verdict);

}  // namespace kopt
