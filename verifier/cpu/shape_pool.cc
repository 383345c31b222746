#include "verifier/cpu/shape_pool.h"

#include "base/hash.h"
#include "verifier/core/roofline.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {
namespace {

constexpr double kClockJitter = 60e-6;  // seconds by which the end of a batch may be seen late or early
constexpr int kDoubts = 2;              // times that a verifier measures the bandwidths again, about 2 s each

}  // namespace

Scale ScaleOf(CpuContext& context, const ShapePools& pools) {
  Scale scale{.spec = &context.spec,
              .peaks = context.options.peaks,
              .cache_bytes = LastCacheBytes(),
              .clock_jitter = kClockJitter};
  for (const ShapePool& shape : pools) {
    if (shape.scored) scale.scored.push_back(&shape.task);
  }
  scale.measure_again = [&context]() -> Result<Peaks> {
    if (context.bandwidths_measured >= kDoubts) return context.options.peaks;
    ++context.bandwidths_measured;
    KOPT_TRY(context.options.peaks, CalibrateBandwidths(context.options, context.lane));
    return context.options.peaks;
  };
  return scale;
}

Result<ShapePools> NewShapePools(CpuContext& context, uint64_t seed, uint64_t static_seed) {
  ShapePools pools;
  const Spec& spec = context.spec;
  const auto add = [&](const Shape* shape, bool scored) -> Result<void> {
    KOPT_TRY(BoundTask task, Bind(spec, *shape));
    pools.push_back({.shape = shape,
                     .scored = scored,
                     .number = scored ? static_cast<int>(pools.size()) : 0,
                     .task = std::move(task)});
    return {};
  };
  for (const Shape* shape : spec.Scored(Target::kCpu)) KOPT_CHECK(add(shape, true));
  if (pools.empty()) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "no [[shape]] is scored on the cpu target",
                                 .file = spec.file,
                                 .key = "shape",
                                 .hint = "add a [[shape]] without `target`, or with target = \"cpu\""});
  }
  for (const Shape* shape : spec.Checks(Target::kCpu)) KOPT_CHECK(add(shape, false));
  // After the vector has its final size: pools refer to their tasks.
  for (size_t i = 0; i < pools.size(); ++i) {
    const SetSeeds seeds{.sets = Mix(seed, i), .static_inputs = static_seed};
    pools[i].pool = std::make_unique<SetPool>(*context.oracle, pools[i].task, pools[i].scored, seeds);
  }
  return pools;
}

}  // namespace kopt
