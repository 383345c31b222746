#include "agent/roofline.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "verifier/core/statistics.h"

namespace kopt {

std::optional<SpeedOfLight> ComputeSpeedOfLight(const BoundTask& task, const Peaks& peaks) {
  const double bandwidth = std::max({peaks.read_bytes, peaks.write_bytes, peaks.copy_bytes});
  const double rate = peaks.Flops(task.spec->work.unit);
  const double by_bytes = bandwidth > 0 ? (task.read_bytes + task.write_bytes) / bandwidth : 0;
  const double by_flops = rate > 0 ? task.flops / rate : 0;
  const double seconds = std::max(by_bytes, by_flops);
  if (!(seconds > 0) || !std::isfinite(seconds)) return std::nullopt;
  return SpeedOfLight{.seconds = seconds, .bound = by_flops > by_bytes ? "flops" : "bytes"};
}

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
