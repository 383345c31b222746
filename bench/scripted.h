// A small task, candidates for it by number, and a simulated device that judges them: for programs that measure the
// loop.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/optimize.h"
#include "base/files.h"
#include "tests/agent/fake_verifier.h"

namespace kopt {

inline constexpr const char* kScaleSpec = R"spec(kopt = 1
name = "scale"
dims = ["N"]
[[shape]]
N = 64
[[input]]
name = "x"
dtype = "f32"
shape = ["N"]
fill = "normal(0, 1)"
[[output]]
name = "y"
dtype = "f32"
shape = ["N"]
[[reference]]
over = ["i:N"]
code = "y(i) = 2 * x(i);"
)spec";
inline constexpr const char* kScaleSeed =
    "//@ tune A = 1 | 2 | 3 | 4 | 5 | 6\n//@ tune B = 1 | 2 | 3 | 4 | 5 | 6\n//@ where A + B < 12\n"
    "//@ call scale args(x, y)\n";
inline constexpr int kScalePoints = 35;
inline constexpr const char* kPlainSeed = "//@ call scale args(x, y)\nextern \"C\" void scale(const float*, float*);\n";
inline constexpr const char* kScaleBaseline = "//@ call scale args(x, y)\n";

inline constexpr std::string_view kBlock = "block += ";

// Right, and different from those of all other numbers; at least so many bytes.
inline std::string ScaleCandidate(int number, size_t bytes = 0) {
  std::string code = "//@ call scale args(x, y)\n";
  for (int i = 0; code.size() + 250 < bytes; ++i) {
    code += fmt::format("static inline float part_{}(const float* x, int i) {{ return {}.0f * x[i + {}]; }}\n", i,
                        number + i, i % 16);
  }
  code += fmt::format(
      "extern \"C\" void scale(const float* x, float* y) {{\n"
      "  for (int block = 0; block < N; {}{}) {{\n"
      "    for (int i = block; i < block + {} && i < N; ++i) y[i] = 2 * x[i];\n"
      "  }}\n}}\n",
      kBlock, number, number);
  return code;
}

// As models write it.
inline std::string ReplyWith(std::string_view code) {
  return fmt::format("Larger blocks hide the latency of the loads.\n\n```cpp\n{}```\n", code);
}

// Nothing: it is none of ScaleCandidate's.
inline std::optional<int> NumberOf(const Candidate& candidate) {
  const size_t at = candidate.source.find(kBlock);
  if (at == std::string::npos) return std::nullopt;
  return std::atoi(candidate.source.c_str() + at + kBlock.size());
}

// A new run of the task in `folder`; the seed is kScaleSeed or kPlainSeed, which has no tunables.
inline Job ScaleJob(const Spec& spec, const std::string& run, const std::filesystem::path& folder, const char* seed) {
  Job job{.spec = &spec, .run = run, .out = folder / run, .random_seed = 7};
  job.contestants.seed = *ParseCandidate(spec, Target::kCpu, seed, "scale.cpp");
  job.contestants.baseline = *ParseCandidate(spec, Target::kCpu, kScaleBaseline, "scale_baseline.cpp");
  return job;
}

// Real time, so many times as fast.
class RealClock final : public FakeClock {
 public:
  explicit RealClock(double speed = 1) : speed_(speed) {}
  double Now() override { return SystemClock().Now() * speed_; }
  void Sleep(double seconds) override { SystemClock().Sleep(seconds / speed_); }

 private:
  double speed_;
};

// Plays verdicts by candidate and configuration.
class ScriptedVerifier : public FakeVerifier {
 public:
  using FakeVerifier::FakeVerifier;
  std::function<Behaviour(const Candidate&, const Configuration&)> play;

  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override {
    Choose(candidate);
    return FakeVerifier::Screen(candidate, configuration, screening);
  }
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override {
    Choose(candidate);
    return FakeVerifier::Confirm(candidate, configuration, how);
  }

 private:
  void Choose(const Candidate& candidate) {
    behave = [this, &candidate](const Configuration& configuration) { return play(candidate, configuration); };
  }
};

}  // namespace kopt
