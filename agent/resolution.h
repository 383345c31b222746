// How small a difference a verdict could have found.
#pragma once

#include <optional>

#include "verifier/core/verdict.h"

namespace kopt {

// The smallest true slowdown (a fraction: 0.012) that these samples would have found 95 times of 100: the worst
// shape's, disturbed quads dropped. Nothing without enough samples.
std::optional<double> Resolution(const Verdict& verdict);

}  // namespace kopt
