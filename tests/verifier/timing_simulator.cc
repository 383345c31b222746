#include "tests/verifier/timing_simulator.h"

#include <cmath>

#include "base/hash.h"

namespace kopt {

const std::vector<NoiseModel>& NoiseModels() {
  static const std::vector<NoiseModel> models = {
      {.name = "normal 0.3 %", .batch = 0.003},
      {.name = "normal 1 %"},
      {.name = "normal 3 %", .batch = 0.03},
      {.name = "processes 0.3 % apart", .process_spread = 0.003},
      {.name = "processes 0.3 %, noise 0.2 %", .batch = 0.002, .process_spread = 0.003},
      {.name = "processes 1 % apart", .process_spread = 0.01},
      {.name = "heavy tails 1 %", .heavy_tails = true, .process_spread = 0.003},
      {.name = "spikes, 3 % of batches", .spikes = 0.03, .process_spread = 0.003},
      {.name = "drift 5 % and wander", .batch = 0.005, .drift = 0.05, .wander = 0.003, .process_spread = 0.003},
      {.name = "bursts", .batch = 0.005, .burst_begins = 0.02, .process_spread = 0.003},
      {.name = "two clock speeds", .batch = 0.003, .clock_steps = 0.05, .process_spread = 0.003},
  };
  return models;
}

SimulatedProcess::SimulatedProcess(const NoiseModel& model, uint64_t seed) : model_(model), random_(seed) {
  offset_ = model.process_spread * Normal();
  drift_ = Uniform() < 0.5 ? -model.drift : model.drift;
  slow_clock_ = Uniform() < 0.5;
}

double SimulatedProcess::Factor() {
  double noise = Normal();
  if (model_.heavy_tails) {
    const double a = Normal(), b = Normal(), c = Normal();
    noise /= std::sqrt(a * a + b * b + c * c);  // t with 3 degrees of freedom / sqrt(3): standard deviation 1
  }
  walk_ += drift_ / 100 + model_.wander * Normal();
  if (Uniform() < model_.clock_steps) slow_clock_ = !slow_clock_;
  if (burst_) burst_ = Uniform() < 0.75;
  if (Uniform() < model_.burst_begins) burst_ = true;
  double factor = std::exp(model_.batch * noise + walk_);
  if (model_.clock_steps > 0 && slow_clock_) factor *= 1.03;
  if (burst_) factor *= 1.02 + 0.18 * Uniform();
  if (Uniform() < model_.spikes) factor *= 1.2 + 0.8 * Uniform();
  return factor;
}

Quad SimulatedProcess::Sample(double slowdown, double seconds) {
  const double a = seconds * slowdown * std::exp(offset_);
  Quad quad;
  quad.a1 = a * Factor();
  quad.b1 = seconds * Factor();
  quad.b2 = seconds * Factor();
  quad.a2 = a * Factor();
  return quad;
}

std::vector<ShapeSamples> Simulate(const NoiseModel& model, const SimulatedComparison& comparison, uint64_t seed) {
  std::vector<ShapeSamples> samples;
  for (int process = 0; process < comparison.processes; ++process) {
    SimulatedProcess machine(model, Mix(seed, static_cast<uint64_t>(process)));
    for (int shape = 0; shape < comparison.shapes; ++shape) {
      ShapeSamples& sample = samples.emplace_back(ShapeSamples{.shape = shape, .process = process});
      std::vector<double> ratios;
      double a = 0, b = 0;
      while (!comparison.rule.Done(ratios, a, b, a + b)) {
        const Quad& quad = sample.quads.emplace_back(machine.Sample(comparison.slowdown, comparison.batch_seconds));
        ratios.push_back(LogRatio(quad));
        a += quad.a1 + quad.a2;
        b += quad.b1 + quad.b2;
      }
    }
  }
  return samples;
}

Tally Repeat(const NoiseModel& model, const SimulatedComparison& comparison, int times, uint64_t seed) {
  Tally tally;
  double quads = 0;
  for (int i = 0; i < times; ++i) {
    const auto samples = Simulate(model, comparison, Mix(seed, static_cast<uint64_t>(i)));
    for (const ShapeSamples& sample : samples) quads += static_cast<double>(sample.quads.size());
    const Assessment assessment = Assess(samples);
    if (!assessment.estimate) {
      ++tally.noisy;
      continue;
    }
    const Interval& interval = assessment.estimate->interval;
    const Comparative comparative = Judge(interval);
    tally.faster += comparative == Comparative::kFaster;
    tally.slower += comparative == Comparative::kSlower;
    tally.same += comparative == Comparative::kSame;
    tally.cannot_tell += comparative == Comparative::kCannotTell;
    const double truth = 1 / comparison.slowdown;
    tally.covered += interval.low <= truth && truth <= interval.high;
    tally.width += interval.high - interval.low;
  }
  if (tally.Estimated() > 0) tally.width /= tally.Estimated();
  tally.quads = quads / (static_cast<double>(times) * comparison.processes * comparison.shapes);
  return tally;
}

}  // namespace kopt
