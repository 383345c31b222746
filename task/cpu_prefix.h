// The fixed text in front of every cpu candidate: the small floating types that C++20 does not have.
#pragma once

#include <string_view>

namespace kopt {

// kopt_bf16, kopt_e4m3, kopt_e5m2: trivially copyable, one member `bits`; convert from float by rounding to nearest
// even (overflow gives infinity; e4m3 has none and gives NaN) and to float exactly; both implicit. Includes <cstddef>,
// <cstdint> and <cmath> and nothing else. It is the same for every candidate, so that it can be compiled ahead.
extern const std::string_view kCpuPrefix;

}  // namespace kopt
