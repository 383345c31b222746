// Input sets with right answers for use outside kopt.
#pragma once

#include "verifier/core/example.h"
#include "verifier/cpu/cpu_context.h"

namespace kopt {

// As Verifier::DrawExample; ends early at an interrupt.
Result<Example> DrawExample(CpuContext& context, const Shape& shape);

}  // namespace kopt
