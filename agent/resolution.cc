#include "agent/resolution.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "verifier/core/statistics.h"

namespace kopt {

std::optional<double> Resolution(const Verdict& verdict) {
  struct OfShape {
    std::vector<double> ratios;
    int processes = 0;
    int quads = 0;  // of the process with the fewest
  };
  std::map<int, OfShape> shapes;
  for (const ShapeSamples& samples : verdict.samples) {
    const auto kept = DropDisturbed(samples.quads);
    if (!kept || kept->empty()) continue;
    OfShape& shape = shapes[samples.shape];
    const int quads = static_cast<int>(kept->size());
    shape.quads = shape.processes == 0 ? quads : std::min(shape.quads, quads);
    ++shape.processes;
    for (const Quad& quad : *kept) shape.ratios.push_back(LogRatio(quad));
  }
  std::optional<double> worst;
  for (const auto& [index, shape] : shapes) {
    const double difference = SmallestDifference(shape.ratios, shape.quads, shape.processes);
    if (std::isfinite(difference)) worst = std::max(worst.value_or(0), difference);
  }
  return worst;
}

}  // namespace kopt
