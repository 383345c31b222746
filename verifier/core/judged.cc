#include "verifier/core/judged.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "verifier/core/statistics.h"

namespace kopt {

std::string Words(const Stop& stop) { return stop.ours ? stop.ours->Text() : stop.refusal.reason; }

Stop BaselineLost(const Stop& stop, std::string_view what) {
  if (stop.ours) return stop;
  Stop lost(Error{.message = fmt::format("the baseline {}: {}", what, stop.refusal.reason)});
  lost.neighbour_lost = true;
  lost.refusal = stop.refusal;
  return lost;
}

Refusal PlanRefusal(const Error& error, Outcome outcome, Stage stage) {
  Refusal refusal{.outcome = outcome, .stage = stage, .reason = error.Text()};
  if (error.line > 0) refusal.evidence["line"] = error.line;
  return refusal;
}

void AddAlone(const AloneTimes& times, int shape, Verdict& verdict) {
  if (!AreDisturbed(times.baseline_before, times.baseline_beside)) return;
  const Interval factors = AloneFactors(times);
  Interval& all = verdict.alone.try_emplace(shape, factors).first->second;
  all = {std::min(all.low, factors.low), std::max(all.high, factors.high)};
}

namespace {

// The factors of Verdict::alone over all shapes, which weigh the same.
Interval OverShapes(const Verdict& verdict) {
  std::set<int> shapes;
  for (const ShapeSamples& samples : verdict.samples) shapes.insert(samples.shape);
  Interval factors{1, 1};
  for (const auto& [shape, of_shape] : verdict.alone) {
    factors.low *= std::pow(of_shape.low, 1 / static_cast<double>(shapes.size()));
    factors.high *= std::pow(of_shape.high, 1 / static_cast<double>(shapes.size()));
  }
  return factors;
}

}  // namespace

Result<Verdict> FinishVerdict(Judged<void> judged, Verdict verdict) {
  if (!judged && judged.error().ours) return std::unexpected(*judged.error().ours);
  if (!judged) {
    const Refusal& refusal = judged.error().refusal;
    verdict.outcome = refusal.outcome;
    verdict.stage = refusal.stage;
    verdict.reason = refusal.reason;
    verdict.evidence.update(refusal.evidence);
    if (refusal.outcome != Outcome::kQuarantined) verdict.time_us = verdict.baseline_us = std::nullopt;
    verdict.sol_fraction = verdict.coverage = std::nullopt;
    return verdict;
  }
  verdict.outcome = Outcome::kMeasured;
  verdict.stage = Stage::kMeasure;
  if (!verdict.baseline_us) return verdict;
  const Assessment assessment = Assess(verdict.samples);
  verdict.evidence["noise"] = assessment.noise;
  verdict.evidence["quads_dropped"] = assessment.dropped;
  if (assessment.noisy || !assessment.estimate) {
    verdict.remark = "noisy";
    return verdict;
  }
  const Interval factors = OverShapes(verdict);
  const Estimate& estimate = *assessment.estimate;
  verdict.speedup = estimate.speedup * factors.low;
  verdict.speedup_interval = {estimate.interval.low * factors.low, estimate.interval.high * factors.high};
  verdict.evidence["judged"] = Name(Judge(*verdict.speedup_interval));
  return verdict;
}

}  // namespace kopt
