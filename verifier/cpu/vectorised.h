// Which loops the compiler vectorised, by its own words.
#pragma once

#include <compare>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "task/candidate.h"
#include "verifier/cpu/cpu_context.h"

namespace kopt {

struct VectorisedLoop {
  int line = 0;   // of the candidate
  int bytes = 0;  // of a vector; a loop and its remainder may differ
  auto operator<=>(const VectorisedLoop&) const = default;
};

// From the output of -fopt-info-vec-optimized. Loops of other files are left out; sorted, each once, at most 50.
std::vector<VectorisedLoop> ParseVectorised(std::string_view log);

// Compiles the candidate for `shape` once more, apart from the object that is judged, and asks. An error if the
// compiler does not tell.
Result<std::vector<VectorisedLoop>> VectorisedLoops(CpuContext& context, const Candidate& candidate,
                                                    const Configuration& configuration, const Shape& shape);

// [{"line": 23, "bytes": 32}, ...]
nlohmann::ordered_json Json(const std::vector<VectorisedLoop>& loops);

}  // namespace kopt
