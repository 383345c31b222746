#include "verifier/cuda/cuda_late_warps.h"

#include "base/clock.h"
#include "verifier/core/interrupt.h"

namespace kopt {
namespace {

constexpr int kRounds = 3;                            // over the sets of check shapes
constexpr double kCallSeconds = 2, kAllSeconds = 10;  // a call, and after which no more begins

// Right calls, and why they are not all.
struct Checked {
  size_t calls = 0;
  std::string rest;
};

Judged<Checked> CheckAll(CudaContext& context, CudaRun& run, const CudaShapes& shapes) {
  const Deadline deadline{.limit_seconds = kCallSeconds};
  const double end = SystemClock().Now() + kAllSeconds;
  Checked checked;
  for (const bool scored : {false, true}) {
    if (scored && context.crowded) {
      // Beside the process that will be timed.
      checked.rest = "; at no scored shape, since there is no memory for more of their sets";
      break;
    }
    for (const CudaShape& shape : shapes) {
      if (shape.scored != scored) continue;
      const size_t sets = scored ? 1 : shape.sets->check_count();
      for (size_t i = 0; i < (scored ? sets : kRounds * sets); ++i) {
        KOPT_CHECK(CheckInterrupt(context.options));
        if (SystemClock().Now() > end) {
          checked.rest = "; then the time for it was up";
          return checked;
        }
        KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(i % sets));
        KOPT_CHECK(run.Check(CudaRun::kCandidate, shape, *set, deadline));
        ++checked.calls;
      }
      for (size_t i = 0; i < sets; ++i) {
        KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(i));
        KOPT_CHECK(run.Drop(*set));
      }
    }
  }
  return checked;
}

}  // namespace

Judged<void> CheckWithLateWarps(CudaContext& context, const CudaShapes& shapes, const Candidate& candidate,
                                const Configuration& configuration, Verdict& verdict) {
  nlohmann::ordered_json& evidence = verdict.evidence["late_warps"];
  const auto not_checked = [&](Stop stop) -> Judged<void> {
    if (stop.ours) return std::unexpected(std::move(stop));
    evidence = "not checked: " + stop.refusal.reason;
    return {};
  };
  if (context.toolkit.jitlink.empty()) {
    evidence = "not checked: the toolkit has no libnvJitLink";
    return {};
  }
  auto late = [&] {
    // Before the lane: who holds the lane waits for nobody in this run.
    const CompileAhead::Hold load = context.ahead->Load();
    const Lane::Hold hold = context.lane.Shared();
    return CompileCandidate(context.spec, context.compiler, context.device.limits, candidate, configuration,
                            ShapesOf(shapes), CudaCompileService::Warps::kLate);
  }();
  if (!late) return not_checked(std::move(late.error()));
  const Lane::Hold hold = context.lane.Shared();
  KOPT_TRY(auto run, CudaRun::Start(context, shapes));
  auto loaded = run->Load(CudaRun::kCandidate, candidate, configuration, *late);
  if (!loaded) return not_checked(std::move(loaded.error()));
  auto checked = CheckAll(context, *run, shapes);
  if (checked) {
    evidence = fmt::format("right in {} calls{}", checked->calls, checked->rest);
    return {};
  }
  Stop& stop = checked.error();
  const Outcome outcome = stop.refusal.outcome;
  if (!stop.ours && (outcome == Outcome::kTimeout || outcome == Outcome::kLaunchError)) {
    return not_checked(std::move(stop));
  }
  evidence = "refused";
  stop.refusal.reason = "with warps that are late at random: " + stop.refusal.reason;
  return std::unexpected(std::move(stop));
}

}  // namespace kopt
