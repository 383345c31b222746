#include "verifier/cpu/shape_pool.h"

#include "base/hash.h"

namespace kopt {

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
    const SetPool::Seeds seeds{.sets = Mix(seed, i), .static_inputs = static_seed};
    pools[i].pool = std::make_unique<SetPool>(*context.oracle, pools[i].task, pools[i].scored, seeds);
  }
  return pools;
}

}  // namespace kopt
