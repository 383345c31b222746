#include "verifier/core/roofline.h"

#include <unistd.h>

#include <algorithm>

namespace kopt {

double Peaks::Flops(std::string_view unit) const {
  for (const auto& [name, rate] : flops) {
    if (name == unit) return rate;
  }
  return 0;
}

Roofline RooflineOf(const BoundTask& task, const Peaks& peaks, double cache_bytes) {
  Roofline light;
  const double rate = peaks.Flops(task.spec->work.unit);
  if (rate > 0) light.flop_seconds = task.flops / rate;
  if (peaks.read_bytes > 0 && peaks.write_bytes > 0) {
    light.byte_seconds = task.read_bytes / peaks.read_bytes + task.write_bytes / peaks.write_bytes;
    light.floor_seconds =
        task.read_bytes / peaks.read_bytes + std::max(0.0, task.write_bytes - cache_bytes) / peaks.write_bytes;
  }
  light.seconds = std::max(light.flop_seconds, light.byte_seconds);
  return light;
}

double LastCacheBytes() {
  for (const int name : {_SC_LEVEL4_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE}) {
    if (const long bytes = sysconf(name); bytes > 0) return static_cast<double>(bytes);
  }
  return 0;
}

}  // namespace kopt
