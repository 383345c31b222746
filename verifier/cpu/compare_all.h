// Several candidates side by side.
#pragma once

#include <span>

#include "verifier/cpu/shape_pool.h"

namespace kopt {

// Verifier::Compare. `pools`: the verifier's own, for their shapes; the sets are new ones.
Result<SideBySide> CompareAll(CpuContext& context, const ShapePools& pools, std::span<const Contender> contenders,
                              double seconds);

}  // namespace kopt
