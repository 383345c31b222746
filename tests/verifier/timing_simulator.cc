#include "tests/verifier/timing_simulator.h"

#include <algorithm>
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
  if (model.recorded != nullptr) process_ = random_() % model.recorded->processes.size();
}

// Stretches of a third of what was recorded of the process, each from a random place on, round the end: what lasts for
// some quads, and for the whole process, stays as it was.
Quad SimulatedProcess::Recorded() {
  if (model_.recorded == nullptr) return {.a1 = 1, .b1 = 1, .b2 = 1, .a2 = 1};
  const std::vector<Quad>& quads = model_.recorded->processes[process_];
  if (left_ == 0) {
    next_ = random_() % quads.size();
    left_ = (quads.size() + 2) / 3;
  }
  --left_;
  return quads[next_++ % quads.size()];
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
  double factor = std::exp((model_.recorded == nullptr ? model_.batch * noise : 0) + walk_);
  if (model_.clock_steps > 0 && slow_clock_) factor *= 1.03;
  if (burst_) factor *= 1.02 + 0.18 * Uniform();
  if (Uniform() < model_.spikes) factor *= 1.2 + 0.8 * Uniform();
  return factor;
}

Quad SimulatedProcess::Sample(double slowdown, double seconds) {
  const double a = seconds * slowdown * std::exp(offset_);
  Quad quad = Recorded();
  const bool baseline_first = samples_++ % 2 == 1;
  double* order[] = {&quad.a1, &quad.b1, &quad.b2, &quad.a2};
  for (double* time : order) *time *= Factor();
  if (baseline_first) quad = WithSidesSwapped(quad);
  return {.a1 = quad.a1 * a, .b1 = quad.b1 * seconds, .b2 = quad.b2 * seconds, .a2 = quad.a2 * a};
}

std::vector<ShapeSamples> Simulate(const NoiseModel& model, const SimulatedComparison& comparison, uint64_t seed) {
  std::vector<ShapeSamples> samples;
  for (int process = 0; process < comparison.processes; ++process) {
    SimulatedProcess machine(model, Mix(seed, static_cast<uint64_t>(process)));
    for (int shape = 0; shape < comparison.shapes; ++shape) {
      ShapeSamples& sample = samples.emplace_back(ShapeSamples{.shape = shape, .process = process});
      std::vector<double> ratios;
      double a = 0, b = 0;
      const auto pauses = [&] { return 4 * static_cast<double>(ratios.size()) * comparison.pause_seconds; };
      while (!comparison.rule.Done(ratios, a, b, a + b + pauses())) {
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

namespace {

constexpr int kLeaders = 3;  // as agent/optimize.cc

// The highest speedup that was confirmed as faster; nothing: none was.
std::optional<Estimate> ConfirmLeaders(const NoiseModel& model, const ManyCandidates& many,
                                       std::span<const Estimate> screened, uint64_t seed) {
  std::optional<Estimate> best;
  for (int i = 0; i < std::min<int>(kLeaders, static_cast<int>(screened.size())); ++i) {
    if (best && screened[static_cast<size_t>(i)].interval.high <= best->speedup) break;
    const Assessment assessment = Assess(Simulate(model, many.confirmation, Mix(seed, static_cast<uint64_t>(i))));
    if (!assessment.estimate || Judge(assessment.estimate->interval) != Comparative::kFaster) continue;
    if (!best || assessment.estimate->speedup > best->speedup) best = assessment.estimate;
  }
  return best;
}

}  // namespace

ManyTally RepeatRuns(const NoiseModel& model, const ManyCandidates& many, int times, uint64_t seed) {
  SimulatedComparison screening = many.confirmation;
  screening.processes = 1;
  screening.rule = many.screening;
  const double truth = 1 / many.confirmation.slowdown;
  ManyTally tally;
  for (int run = 0; run < times; ++run) {
    const uint64_t own = Mix(seed, static_cast<uint64_t>(run));
    std::vector<Estimate> screened;
    for (int i = 0; i < many.candidates; ++i) {
      const Assessment assessment = Assess(Simulate(model, screening, Mix(own, static_cast<uint64_t>(i) + kLeaders)));
      if (assessment.estimate) screened.push_back(*assessment.estimate);
    }
    std::ranges::sort(screened, std::greater(), &Estimate::speedup);
    if (!screened.empty()) tally.screened += (screened.front().speedup / truth - 1) / times;
    const auto best = ConfirmLeaders(model, many, screened, own);
    if (!best) continue;
    ++tally.winners;
    tally.reported += best->speedup / truth - 1;
    tally.most = std::max(tally.most, best->speedup / truth - 1);
    tally.covered += best->interval.low <= truth && truth <= best->interval.high;
  }
  if (tally.winners > 0) tally.reported /= tally.winners;
  return tally;
}

}  // namespace kopt
