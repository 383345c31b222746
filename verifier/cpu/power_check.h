// Whether the task's checks can tell a wrong answer from a right one.
#pragma once

#include "verifier/cpu/shape_pool.h"

namespace kopt {

// Hands in wrong answers for every output at every scored shape, and the old answer after each input was drawn anew. A
// wrong answer that has to be refused and is not is a usage error, with the whole table in its log.
Result<Registration> ProvePower(CpuContext& context, ShapePools& pools);

}  // namespace kopt
