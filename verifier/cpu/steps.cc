#include "verifier/cpu/steps.h"

#include <numeric>

#include "base/clock.h"
#include "verifier/cpu/measure.h"

namespace kopt {
namespace {

constexpr size_t kScoredCheckSets = 2;
constexpr double kLateSeconds = 2;      // a call
constexpr double kMostLateSeconds = 5;  // then no shape is begun

std::vector<const Shape*> ShapesOf(const ShapePools& pools) {
  std::vector<const Shape*> shapes;
  for (const ShapePool& pool : pools) shapes.push_back(pool.shape);
  return shapes;
}

}  // namespace

Judged<std::unique_ptr<CandidateRun>> CompileAndLoad(CpuContext& context, const ShapePools& pools,
                                                     const Candidate& candidate, const Configuration& configuration,
                                                     std::span<const Contender> ahead, StageTimes& times) {
  const std::vector<const Shape*> shapes = ShapesOf(pools);
  KOPT_TRY(const bool admissible, Admissible(context.spec, candidate, configuration, shapes, context.device.values));
  if (!admissible) {
    return std::unexpected(Stop(Refusal{.outcome = Outcome::kLaunchError,
                                        .stage = Stage::kParse,
                                        .reason = fmt::format("a `where` does not hold for {}", Text(configuration))}));
  }
  auto objects = CompileCandidate(context, candidate, configuration, shapes, ahead);
  times.Finish("compile");
  if (!objects) return std::unexpected(std::move(objects.error()));
  auto run = std::make_unique<CandidateRun>(context, std::move(*objects));
  KOPT_CHECK(run->Load());
  times.Finish("load");
  return run;
}

Judged<void> CheckAll(CpuContext& context, CandidateRun& run, ShapePools& pools, const DeadlineOf& deadline, bool fresh,
                      std::map<const Shape*, double>* call_seconds) {
  // The small shapes first: what is wrong fails soonest.
  for (const bool scored : {false, true}) {
    for (ShapePool& shape : pools) {
      if (shape.scored != scored) continue;
      KOPT_CHECK(CheckInterrupt(context.options));
      std::vector<size_t> sets;
      const size_t count = scored ? kScoredCheckSets : shape.pool->check_count();
      for (size_t i = 0; i < count; ++i) sets.push_back(i);
      if (scored && fresh) sets.push_back(CandidateRun::kFreshSet);
      KOPT_TRY(const double seconds, run.Check(*shape.shape, *shape.pool, sets, deadline(*shape.shape)));
      if (call_seconds != nullptr) (*call_seconds)[shape.shape] = seconds / static_cast<double>(sets.size());
    }
  }
  return {};
}

Judged<std::string> CheckWithLateThreads(CpuContext& context, const CandidateRun& run, Late late, ShapePools& pools) {
  const std::unique_ptr<CandidateRun> late_run = run.WithLate(late);
  KOPT_CHECK(late_run->Load());
  const Deadline deadline{.limit_seconds = std::min(kLateSeconds, context.spec.limits.seconds)};
  const double end = SystemClock().Now() + kMostLateSeconds;
  size_t calls = 0;
  for (ShapePool& shape : pools) {
    if (shape.scored) continue;
    KOPT_CHECK(CheckInterrupt(context.options));
    if (SystemClock().Now() > end) return fmt::format("right in {} calls; then the time for it was up", calls);
    std::vector<size_t> sets(shape.pool->check_count());
    std::iota(sets.begin(), sets.end(), size_t{0});
    auto checked = late_run->Check(*shape.shape, *shape.pool, sets, deadline);
    calls += sets.size();
    if (checked) continue;
    Stop& stop = checked.error();
    if (stop.ours) return std::unexpected(std::move(stop));
    Refusal& refusal = stop.refusal;
    if (refusal.outcome == Outcome::kTimeout || refusal.outcome == Outcome::kLaunchError) {
      return "not checked: " + refusal.reason;
    }
    refusal.reason =
        fmt::format("with all threads on one CPU, where {}: {}",
                    late == Late::kCaller ? "the calling one comes last" : "others come late", refusal.reason);
    return std::unexpected(std::move(stop));
  }
  return calls == 0 ? "not checked: the spec has no check shapes for this target"
                    : fmt::format("right in {} calls", calls);
}

}  // namespace kopt
