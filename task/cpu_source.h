// The parts of what the compiler gets for the cpu target, for those who arrange them otherwise than GenerateCpuSource.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "task/candidate.h"

namespace kopt {

// The compiler's options for every candidate.
inline constexpr std::array<std::string_view, 5> kCpuFlags = {"-std=c++20", "-O3", "-march=native", "-fopenmp",
                                                              "-fPIC"};

// The generated header: element types, constant dims of `shape`, tunables, device values.
Result<std::string> CpuHeader(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                              const Shape& shape, const Values& device);

// "const float*", "float*", "int": the parameter types of the function that a call line names.
std::vector<std::string> CpuParameters(const Spec& spec, const Candidate& candidate, const PlanLine& call);

// The call lines of a plan, the first one of each function.
std::vector<const PlanLine*> CalledFunctions(const Candidate& candidate);

}  // namespace kopt
