// A candidate bound to shapes and compiled: what a worker loads, and the plan by which it is called.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "verifier/core/judged.h"
#include "verifier/cpu/cpu_context.h"

namespace kopt {

struct CandidateObject {
  BoundPlan plan;
  std::string object;  // path of the shared object
};

struct CandidateObjects {
  std::map<const Shape*, CandidateObject> by_shape;
  std::string log;  // the compiler's warnings, cut
};

// What the compiler gets for one source of the candidate.
CompileRequest RequestOf(const CpuContext& context, const Candidate& candidate, const CpuSource& source);

// Screens the source, binds the plan to every shape and compiles. If something is to be compiled at all, the objects of
// the configurations `ahead` are made at the same time, as far as there are CPUs, for a later call to find; what goes
// wrong with them is left to that call.
Judged<CandidateObjects> CompileCandidate(CpuContext& context, const Candidate& candidate,
                                          const Configuration& configuration, const std::vector<const Shape*>& shapes,
                                          std::span<const Contender> ahead);

}  // namespace kopt
