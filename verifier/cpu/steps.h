// The first steps of every judgement: compile, load, check.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>

#include "verifier/core/verdict_times.h"
#include "verifier/cpu/candidate_run.h"
#include "verifier/cpu/shape_pool.h"

namespace kopt {

using DeadlineOf = std::function<Deadline(const Shape&)>;

// `ahead`: configurations that may be compiled along.
Judged<std::unique_ptr<CandidateRun>> CompileAndLoad(CpuContext& context, const ShapePools& pools,
                                                     const Candidate& candidate, const Configuration& configuration,
                                                     std::span<const Contender> ahead, StageTimes& times);

// Every output at every shape, against whole answers; `fresh`: on a set that was never used before, too.
// `call_seconds`, if given, gets the seconds of a call by shape.
Judged<void> CheckAll(CpuContext& context, CandidateRun& run, ShapePools& pools, const DeadlineOf& deadline, bool fresh,
                      std::map<const Shape*, double>* call_seconds = nullptr);

// The sets of the check shapes with threads that are late (CandidateRun::WithLate). Calls that do not end in time are
// no refusal: threads may well wait for each other by spinning. Says what came of it.
Judged<std::string> CheckWithLateThreads(CpuContext& context, const CandidateRun& run, Late late, ShapePools& pools);

}  // namespace kopt
