#include "verifier/cpu/vectorised.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "base/compiler_place.h"
#include "verifier/cpu/candidate_objects.h"

namespace kopt {
namespace {

constexpr size_t kMostLoops = 50;

}  // namespace

std::vector<VectorisedLoop> ParseVectorised(std::string_view log) {
  std::set<VectorisedLoop> loops;
  while (!log.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    const CompilerPlace place = PlaceIn("candidate.cpp", std::string(log.substr(0, end)));
    int bytes = 0;
    if (place.line > 0 &&
        std::sscanf(place.words.c_str(), "optimized: loop vectorized using %9d byte vectors", &bytes) == 1) {
      loops.insert({place.line, bytes});
    }
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  std::vector<VectorisedLoop> sorted(loops.begin(), loops.end());
  sorted.resize(std::min(sorted.size(), kMostLoops));
  return sorted;
}

Result<std::vector<VectorisedLoop>> VectorisedLoops(CpuContext& context, const Candidate& candidate,
                                                    const Configuration& configuration, const Shape& shape) {
  KOPT_TRY(const CpuSource source,
           GenerateCpuSource(context.spec, candidate, configuration, shape, context.device.values));
  const Lane::Hold hold = context.lane.Shared();
  KOPT_TRY(const std::string log, context.compiler.VectorisationLog(RequestOf(context, candidate, source)));
  return ParseVectorised(log);
}

nlohmann::ordered_json Json(const std::vector<VectorisedLoop>& loops) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const VectorisedLoop& loop : loops) json.push_back({{"line", loop.line}, {"bytes", loop.bytes}});
  return json;
}

}  // namespace kopt
