// The fixed text in front of every cpu candidate: the headers most of them use and the small floating types that C++20
// does not have.
#pragma once

#include <string_view>

namespace kopt {

// kopt_bf16, kopt_e4m3, kopt_e5m2: trivially copyable, one member `bits`; convert from float by rounding to nearest
// even (overflow gives infinity; e4m3 has none and gives NaN) and to float exactly; both implicit. Includes
// <algorithm>, <cmath>, <cstddef>, <cstdint>, <cstring> and, on x86, <immintrin.h>. It is the same for every candidate
// and compiled once.
extern const std::string_view kCpuPrefix;

}  // namespace kopt
