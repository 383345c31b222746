#include "verifier/cpu/measure.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/clock.h"
#include "base/hash.h"

namespace kopt {
namespace {

constexpr double kBatchSeconds = 0.020;
constexpr int kEmptyBatches = 3;

std::vector<size_t> RandomSets(size_t count, size_t of) {
  std::vector<size_t> numbers(of);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  std::mt19937_64 generator(SecretSeed());
  std::ranges::shuffle(numbers, generator);
  numbers.resize(std::min(count, of));
  return numbers;
}

std::vector<size_t> FirstSets(size_t count) {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  return numbers;
}

Judged<double> EmptyBatch(const Side& side) {
  return side.run->Time(*side.shape, *side.pool, FirstSets(side.calls), true, side.deadline);
}

// The candidate's own empty batch, or that of a process without candidate code where it is shorter: nobody gains by
// making it long.
Judged<double> TrustedEmptyBatch(const Side& side) {
  std::vector<double> own;
  std::vector<double> trusted;
  for (int i = 0; i < kEmptyBatches; ++i) {
    KOPT_TRY(const double one, EmptyBatch(side));
    KOPT_TRY(const double other, side.run->TrustedEmpty(*side.shape, *side.pool, FirstSets(side.calls)));
    own.push_back(one);
    trusted.push_back(other);
  }
  return std::min(Median(own), Median(trusted));
}

}  // namespace

Result<void> CheckInterrupt(const VerifierOptions& options) {
  if (options.interrupts == nullptr || options.interrupts->load() == 0) return {};
  return std::unexpected(Error{.exit = Exit::kInterrupted, .message = "interrupted"});
}

Judged<Side> PrepareSide(CandidateRun& run, const Shape& shape, SetPool& pool, const Deadline& deadline,
                         size_t most_sets) {
  Side side{.run = &run, .shape = &shape, .pool = &pool, .deadline = deadline};
  const auto calls_for = [&](double call) {
    return static_cast<size_t>(std::min(std::ceil(kBatchSeconds / std::max(call, 1e-8)), 1e6));
  };
  // Half of what the checks suggest, whose few calls are slow: towards 20 ms from below.
  const double checked = run.CheckedCallSeconds(shape);
  if (checked > 0) side.calls = std::clamp<size_t>(calls_for(checked) / 2, 1, std::max<size_t>(most_sets, 1));
  for (int round = 0; round < 4; ++round) {
    KOPT_TRY(const double seconds, run.Time(shape, pool, FirstSets(side.calls), false, deadline));
    KOPT_TRY(const double empty, EmptyBatch(side));
    const double call = (seconds - empty) / static_cast<double>(side.calls);
    if (seconds - empty >= kBatchSeconds || side.calls >= most_sets) break;
    side.calls = std::clamp(calls_for(call / 1.1), side.calls + 1, most_sets);
  }
  KOPT_TRY(side.empty, TrustedEmptyBatch(side));
  return side;
}

Judged<double> TimeBatch(const Side& side) {
  // Sets that were drawn already, in random order, none twice.
  const auto sets = RandomSets(side.calls, std::max(side.calls, side.pool->size()));
  KOPT_TRY(const double seconds, side.run->Time(*side.shape, *side.pool, sets, false, side.deadline));
  return (seconds - side.empty) / static_cast<double>(side.calls);
}

Judged<ShapeSamples> Interleave(const Side& candidate, const Side& baseline, const StoppingRule& rule,
                                const VerifierOptions& options) {
  ShapeSamples samples{.calls_a = static_cast<int>(candidate.calls),
                       .calls_b = static_cast<int>(baseline.calls),
                       .empty_a = candidate.empty,
                       .empty_b = baseline.empty};
  std::vector<double> ratios;
  double seconds_a = 0;
  double seconds_b = 0;
  const double begin = SystemClock().Now();
  const auto time_baseline = [&]() -> Judged<double> {
    auto seconds = TimeBatch(baseline);
    if (!seconds && !seconds.error().ours) {
      return std::unexpected(
          Stop(Error{.message = "the baseline failed while it was timed: " + seconds.error().refusal.reason}));
    }
    return seconds;
  };
  do {
    KOPT_CHECK(CheckInterrupt(options));
    Quad quad;
    KOPT_TRY(quad.a1, TimeBatch(candidate));
    KOPT_TRY(quad.b1, time_baseline());
    KOPT_TRY(quad.b2, time_baseline());
    KOPT_TRY(quad.a2, TimeBatch(candidate));
    samples.quads.push_back(quad);
    ratios.push_back(LogRatio(quad));
    seconds_a += (quad.a1 + quad.a2) * static_cast<double>(candidate.calls);
    seconds_b += (quad.b1 + quad.b2) * static_cast<double>(baseline.calls);
  } while (!rule.Done(ratios, seconds_a, seconds_b, SystemClock().Now() - begin));
  return samples;
}

}  // namespace kopt
