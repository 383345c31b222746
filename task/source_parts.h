// What the compilers of both targets get in front of a candidate: types, constants and declarations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "task/candidate.h"

namespace kopt {

// `constexpr int` or `long long` for the dims of `shape` that are not dynamic, the tunables and the device values.
Result<std::string> ConstantsText(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                  const Shape& shape, const Values& device);

// The generated header: the element types, then the constants.
Result<std::string> GeneratedHeader(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                    const Shape& shape, const Values& device);

// "const float*", "int"; on cuda also "const __half*", "const __grid_constant__ CUtensorMap".
std::string ParameterType(const Spec& spec, const Candidate& candidate, const Arg& arg);
// The parameter types of the function that a call or launch line names.
std::vector<std::string> ParameterTypes(const Spec& spec, const Candidate& candidate, const PlanLine& line);

// The call or launch lines of a plan, the first one of each function.
std::vector<const PlanLine*> CalledFunctions(const Candidate& candidate);

// One declaration a function, by its first line.
std::string Declarations(const Spec& spec, const Candidate& candidate);

// The header, the declarations and the candidate, each with a #line that names it; the candidate is `file`.
Result<std::string> SourceText(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                               const Shape& shape, const Values& device, std::string_view file);

}  // namespace kopt
