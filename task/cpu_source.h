// How the compiler is asked for the cpu target; task/candidate.h has GenerateCpuSource, what it gets.
#pragma once

#include <array>
#include <string_view>

namespace kopt {

// The compiler's options for every candidate.
inline constexpr std::array<std::string_view, 5> kCpuFlags = {"-std=c++20", "-O3", "-march=native", "-fopenmp",
                                                              "-fPIC"};

}  // namespace kopt
