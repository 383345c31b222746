// A simulated device: it plays verdicts for configurations and lets a virtual clock tick.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/interrupts.h"
#include "tests/agent/fake_clock.h"
#include "verifier/core/verifier.h"

namespace kopt {

// How one configuration behaves.
struct Behaviour {
  Outcome outcome = Outcome::kMeasured;
  double speedup = 1;  // by screening
  Outcome confirmed_outcome = Outcome::kMeasured;
  double confirmed_speedup = 0;  // by confirmation; 0: as screened
  std::string remark;
  int restless = 0;  // confirmations in a row, from the first on, that are noisy
};

// Inputs and right answers of zeros.
inline Result<Example> ZeroExample(const Spec& spec, const Shape& shape) {
  KOPT_TRY(const BoundTask task, Bind(spec, shape));
  Example example{.scalars = std::vector<uint64_t>(spec.scalars.size())};
  for (const BoundTensor& bound : task.tensors) {
    const Tensor& tensor = *bound.tensor;
    const auto elements = static_cast<size_t>(bound.elements);
    example.inputs.emplace_back(tensor.IsRead() ? bound.bytes : 0);
    Expected& expected = example.outputs.emplace_back();
    if (!tensor.IsWritten() || tensor.compare == Compare::kAny || tensor.accept) continue;
    expected.limit.resize(elements);
    if (IsFloating(tensor.dtype)) expected.value.resize(elements);
    if (!IsFloating(tensor.dtype)) expected.integer.resize(elements);
  }
  return example;
}

class FakeVerifier : public Verifier {
 public:
  FakeVerifier(FakeClock& clock, Interrupts& interrupts) : clock_(clock), interrupts_(interrupts) {}

  std::function<Behaviour(const Configuration&)> behave = [](const Configuration&) { return Behaviour{}; };
  // In its place, where candidates differ.
  std::function<Behaviour(const Candidate&, const Configuration&)> behave_as;
  double register_seconds = 3, screen_seconds = 1, confirm_seconds = 6;
  // Called while it judges: "baseline", "screen", "confirm".
  std::function<void(std::string_view what)> meanwhile;
  std::map<int, Error> faults;    // by number of the call of Screen or Confirm, from 1
  std::map<int, int> signals;     // that arrive during such a call
  std::optional<Error> no_power;  // what Register answers
  Behaviour baseline;
  std::vector<std::vector<std::string>> ahead;  // by screening
  std::vector<double> profile_from;             // of each screening
  int baseline_profiles = 0;
  std::vector<double> confirm_limits;
  std::vector<std::optional<uint64_t>> confirm_seeds;
  std::vector<std::string> screened, confirmed;  // configurations, in order; attempts that failed included
  std::vector<std::string> files;                // of the candidates that were screened
  int calls = 0;
  double baseline_us = 1000;
  std::string seed_in_evidence;  // of confirmations; empty: none
  std::string library;           // that is the baseline; empty: it is none
  double waiting_seconds = 0;    // of each call, for the machine
  const Spec* spec = nullptr;    // what examples are drawn for
  bool no_example = false;
  Peaks peaks_now;
  Device device_now{.name = "a simulated device", .values = {{"THREADS", 2}}};

  const Device& device() const override { return device_now; }
  const Peaks& peaks() const override { return peaks_now; }

  Result<Registration> Register() override {
    clock_.Sleep(register_seconds);
    if (no_power) return std::unexpected(*no_power);
    return Registration{
        .power =
            {{.output = "y", .attempt = "zero", .refused = true, .detail = "every element is wrong"},
             {.output = "y", .attempt = "a copy of `x`", .refused = false, .required = false, .detail = "allowed"}},
        .tolerance = {{.output = "y", .rms_value = 1, .median_deviation = 1e-7, .median_largest = 3.2e-6}},
        .oracle_seconds = {0.25}};
  }

  Result<Verdict> SetBaseline(const Candidate&, const Configuration&) override {
    if (meanwhile) meanwhile("baseline");
    clock_.Sleep(screen_seconds);
    Verdict verdict = Play(baseline, false);
    verdict.speedup.reset();
    verdict.speedup_interval.reset();
    verdict.baseline_us.reset();
    return verdict;
  }

  Result<void> ProfileBaseline(Verdict& verdict) override {
    ++baseline_profiles;
    verdict.evidence["profile"] = {"bound by: a simulation"};
    return {};
  }

  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override {
    screened.push_back(Text(configuration));
    files.push_back(candidate.file);
    profile_from.push_back(screening.profile_from);
    ahead.emplace_back();
    for (const Contender& later : screening.ahead) ahead.back().push_back(Text(later.configuration));
    return Judge(candidate, configuration, screen_seconds, false);
  }

  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override {
    confirm_limits.push_back(how.seconds);
    confirm_seeds.push_back(how.seed);
    confirmed.push_back(Text(configuration));
    KOPT_TRY(Verdict verdict, Judge(candidate, configuration, confirm_seconds, true));
    if (std::ranges::count(confirmed, confirmed.back()) <= BehaviourOf(candidate, configuration).restless) {
      verdict.remark = "noisy";
      verdict.speedup.reset();
      verdict.speedup_interval.reset();
    }
    return verdict;
  }

  Result<Example> DrawExample(const Shape& shape) override {
    if (spec == nullptr || no_example) return EnvironmentError("no example today");
    return ZeroExample(*spec, shape);
  }

  Result<SideBySide> Compare(std::span<const Contender> contenders, double) override {
    SideBySide comparison;
    for (const Contender& contender : contenders) {
      KOPT_TRY(Verdict verdict, Judge(*contender.candidate, contender.configuration, confirm_seconds, true));
      verdict.speedup.reset();
      verdict.speedup_interval.reset();
      verdict.baseline_us.reset();
      comparison.verdicts.push_back(std::move(verdict));
    }
    for (size_t a = 0; a < contenders.size(); ++a) {
      for (size_t b = a + 1; b < contenders.size(); ++b) {
        const Verdict &one = comparison.verdicts[a], &other = comparison.verdicts[b];
        if (!one.correct() || !other.correct()) continue;
        for (int process = 0; process < 3; ++process) {
          comparison.pairs[{a, b}].push_back(Samples(process, *other.time_us / *one.time_us));
        }
      }
    }
    return comparison;
  }

 private:
  Behaviour BehaviourOf(const Candidate& candidate, const Configuration& configuration) const {
    return behave_as ? behave_as(candidate, configuration) : behave(configuration);
  }

  Result<Verdict> Judge(const Candidate& candidate, const Configuration& configuration, double seconds, bool confirm) {
    ++calls;
    for (int i = 0; i < signals[calls]; ++i) interrupts_.Signal();
    if (interrupts_.work > 0) {
      return std::unexpected(Error{.exit = Exit::kInterrupted, .message = "interrupted"});
    }
    if (meanwhile) meanwhile(confirm ? "confirm" : "screen");
    clock_.Sleep(seconds + waiting_seconds);
    if (const auto fault = faults.find(calls); fault != faults.end()) return std::unexpected(fault->second);
    return Play(BehaviourOf(candidate, configuration), confirm);
  }

  Verdict Play(const Behaviour& behaviour, bool confirm) const {
    const Outcome outcome = confirm ? behaviour.confirmed_outcome : behaviour.outcome;
    Verdict verdict{.outcome = outcome, .stage = Stage::kMeasure, .remark = behaviour.remark, .confirmed = confirm};
    verdict.stage_seconds = {{"compile", 0.4}, {"check", 0.2}, {"measure", 0.4}};
    if (waiting_seconds > 0) verdict.stage_seconds.emplace_back("waiting", waiting_seconds);
    if (outcome != Outcome::kMeasured) {
      verdict.stage = outcome == Outcome::kCompileError ? Stage::kCompile : Stage::kCheck;
      verdict.reason = "played";
      verdict.evidence = {{"log", "line 1\nline 2"}};
      return verdict;
    }
    const double speedup = confirm && behaviour.confirmed_speedup > 0 ? behaviour.confirmed_speedup : behaviour.speedup;
    const double half = confirm ? 0.003 : 0.02;
    verdict.time_us = baseline_us / speedup;
    verdict.baseline_us = baseline_us;
    verdict.sol_fraction = 0.25;
    verdict.evidence = {{"elements", 4096}, {"largest_deviation", 3.5}};
    if (confirm && !seed_in_evidence.empty()) verdict.evidence["input_seed"] = seed_in_evidence;
    if (!library.empty()) verdict.evidence["library"] = {library, "N=4096: the fastest of its 8 proposals is number 2"};
    if (behaviour.remark.empty()) {
      verdict.speedup = speedup;
      verdict.speedup_interval = Interval{speedup * (1 - half), speedup * (1 + half)};
    }
    for (int process = 0; process < (confirm ? 3 : 1); ++process) verdict.samples.push_back(Samples(process, speedup));
    return verdict;
  }

  ShapeSamples Samples(int process, double speedup) const {
    ShapeSamples samples{.process = process, .calls_a = 20, .calls_b = 20};
    for (int i = 0; i < 8; ++i) {
      const double b = 1e-6 * baseline_us * (1 + 0.001 * (i % 3));
      samples.quads.push_back({.a1 = b / speedup, .b1 = b, .b2 = b, .a2 = b / speedup});
    }
    return samples;
  }

  FakeClock& clock_;
  Interrupts& interrupts_;
};

}  // namespace kopt
