// The power of a spec's check on the device.
#pragma once

#include "verifier/cuda/cuda_sets.h"

namespace kopt {

// Verifier::Register: every wrong answer of verifier/core/power.h must be refused at every scored shape.
Result<Registration> ProveCudaPower(CudaContext& context, CudaShapes& shapes);

}  // namespace kopt
