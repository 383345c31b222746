#include "verifier/cpu/steps.h"

#include "verifier/cpu/measure.h"

namespace kopt {
namespace {

constexpr size_t kScoredCheckSets = 2;

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

}  // namespace kopt
