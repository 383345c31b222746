// A bound plan as workers take it.
#pragma once

#include <nlohmann/json.hpp>

#include "task/candidate.h"
#include "task/spec.h"

namespace kopt {

// {"steps", "maps", "scratch"}: verifier/cuda/plan.h. Tensors are numbered among those of the spec that are in memory.
nlohmann::json PlanJson(const BoundTask& task, const BoundCudaPlan& plan);

}  // namespace kopt
