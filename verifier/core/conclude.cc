#include "verifier/core/conclude.h"

#include <algorithm>
#include <optional>

#include "verifier/core/roofline.h"
#include "verifier/core/statistics.h"

namespace kopt {

std::vector<double> SecondsPerCall(const ShapeSamples& samples, bool baseline) {
  std::vector<double> seconds;
  for (const Quad& quad : samples.quads) {
    seconds.push_back(baseline ? quad.b1 : quad.a1);
    seconds.push_back(baseline ? quad.b2 : quad.a2);
  }
  return seconds;
}

std::vector<double> SecondsPerCall(const Verdict& verdict, int shape, bool baseline) {
  std::vector<double> seconds;
  for (const ShapeSamples& samples : verdict.samples) {
    if (samples.shape != shape) continue;
    const std::vector<double> more = SecondsPerCall(samples, baseline);
    seconds.insert(seconds.end(), more.begin(), more.end());
  }
  return seconds;
}

namespace {

int CallsPerBatch(const Verdict& verdict, int shape) {
  for (const ShapeSamples& samples : verdict.samples) {
    if (samples.shape == shape) return samples.calls_a;
  }
  return 1;
}

// A shape whose time is below a bound that follows from the peaks.
struct TooFast {
  const BoundTask* task = nullptr;
  double seconds = 0, bound_seconds = 0;
};

std::optional<TooFast> FindTooFast(const Scale& scale, const Verdict& verdict, double (*bound)(const Roofline&)) {
  for (size_t i = 0; i < scale.scored.size(); ++i) {
    const int number = static_cast<int>(i);
    const double seconds = Median(SecondsPerCall(verdict, number, false));
    const double least = bound(RooflineOf(*scale.scored[i], scale.peaks, scale.cache_bytes));
    const double unsure = scale.clock_jitter / std::max(CallsPerBatch(verdict, number), 1);
    if (seconds <= 0) continue;  // shorter than an empty batch: disturbed, which makes the verdict noisy
    if (seconds + unsure < least) return TooFast{.task = scale.scored[i], .seconds = seconds, .bound_seconds = least};
  }
  return std::nullopt;
}

// Below these a peak is in doubt, a verdict is not believed.
double DoubtfulSeconds(const Roofline& light) { return light.byte_seconds; }
double BelievableSeconds(const Roofline& light) { return kBelievable * light.floor_seconds; }

// Fills in the figures of a measured verdict, and evidence["shapes"]: by scored shape time, rates, the bound.
void Summarise(const Scale& scale, Verdict& verdict) {
  std::vector<double> times;
  std::vector<double> baselines;
  std::vector<double> fractions;
  auto& shapes = verdict.evidence["shapes"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < scale.scored.size(); ++i) {
    const BoundTask& task = *scale.scored[i];
    const int number = static_cast<int>(i);
    const double a = Median(SecondsPerCall(verdict, number, false));
    const double b = Median(SecondsPerCall(verdict, number, true));
    const Roofline light = RooflineOf(task, scale.peaks, scale.cache_bytes);
    nlohmann::ordered_json row{{"shape", ShapeText(*scale.spec, *task.shape)}, {"time_us", a * 1e6}};
    if (b > 0) row["baseline_us"] = b * 1e6;
    if (a > 0 && task.flops > 0) row["gflops"] = task.flops / a * 1e-9;
    if (a > 0) row["gbytes"] = (task.read_bytes + task.write_bytes) / a * 1e-9;
    if (a > 0 && light.seconds > 0) {
      row["sol_fraction"] = light.seconds / a;
      // No proof of anything (Winograd and its like need fewer operations), but worth a look.
      if (light.flop_seconds > a) row["remark"] = "faster than the declared operations at this machine's peak rate";
      row["bound"] = light.flop_seconds >= light.byte_seconds ? "arithmetic" : "memory";
      fractions.push_back(light.seconds / a);
    }
    for (const ShapeSamples& samples : verdict.samples) {
      if (samples.shape != number) continue;
      row["calls_per_batch"] = samples.calls_a;
      row["resolution_ms"] = a * samples.calls_a * 1e3;
    }
    shapes.push_back(std::move(row));
    if (a > 0) times.push_back(a);
    if (b > 0) baselines.push_back(b);
  }
  const size_t count = shapes.size();
  if (times.size() == count) verdict.time_us = GeometricMean(times) * 1e6;
  if (baselines.size() == count) verdict.baseline_us = GeometricMean(baselines) * 1e6;
  if (!fractions.empty() && fractions.size() == count) verdict.sol_fraction = GeometricMean(fractions);
  verdict.coverage = 1;  // no code but the candidate's runs in a call
}

}  // namespace

Judged<void> Conclude(Scale scale, Verdict& verdict) {
  if (verdict.samples.empty()) return {};
  // A bandwidth is shared with whoever else is on the machine and can double within a second, so what was measured some
  // time ago may be too low. A peak only grows.
  if (scale.measure_again && FindTooFast(scale, verdict, DoubtfulSeconds)) {
    auto peaks = scale.measure_again();
    if (!peaks) return std::unexpected(Stop(std::move(peaks.error())));
    scale.peaks = *std::move(peaks);
  }
  Summarise(scale, verdict);
  const std::optional<TooFast> fast = FindTooFast(scale, verdict, BelievableSeconds);
  if (!fast) return {};
  return std::unexpected(Stop(Refusal{
      .outcome = Outcome::kQuarantined,
      .stage = Stage::kMeasure,
      .reason = fmt::format("{:.3g} us a call is below {:.0f} % of the {:.3g} us that reading its inputs takes at this "
                            "machine's best bandwidth (shape {})",
                            fast->seconds * 1e6, 100 * kBelievable, fast->bound_seconds / kBelievable * 1e6,
                            ShapeText(*scale.spec, *fast->task->shape)),
      .evidence = {{"hint", "if the machine was busy when its peaks were measured: kopt doctor --calibrate"}}}));
}

}  // namespace kopt
