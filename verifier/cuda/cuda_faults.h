// What the driver's errors say of a candidate.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "verifier/core/judged.h"

namespace kopt {

// A worker's fault (frames.h) as a refusal, or as an error of ours where it is no candidate's doing: what kopt did for
// itself, a device that went away, a worker that died. `seconds`: what the calls were given.
Stop StopOf(const nlohmann::json& fault, Stage stage, double seconds);

}  // namespace kopt
