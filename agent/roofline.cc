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
  std::map<int, std::vector<double>> ratios;  // by shape
  for (const ShapeSamples& samples : verdict.samples) {
    for (const Quad& quad : samples.quads) ratios[samples.shape].push_back(LogRatio(quad));
  }
  std::optional<double> worst;
  for (const auto& [shape, values] : ratios) {
    if (values.size() < 2) continue;
    const double difference = SmallestDifference(values, static_cast<int>(values.size()));
    if (std::isfinite(difference)) worst = std::max(worst.value_or(0), difference);
  }
  return worst;
}

}  // namespace kopt
