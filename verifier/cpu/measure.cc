#include "verifier/cpu/measure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>

#include "base/clock.h"
#include "base/hash.h"

namespace kopt {
namespace {

constexpr double kBatchSeconds = 0.020;
constexpr int kEmptyBatches = 3;
constexpr int kOneByOneBatches = 2;
constexpr size_t kOneByOneCalls = 9;     // of a batch; the first does not count
constexpr double kOneByOneFactor = 1.2;  // as much longer than in a batch may be caches or the clock's speed
constexpr int kOneByOneRounds = 10;      // that say so before a candidate is refused
constexpr double kColdSeconds = 10e-6;   // that a call may need because another process was at work before it

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

}  // namespace

Judged<Side> PrepareSide(CandidateRun& run, const Shape& shape, SetPool& pool, const Deadline& deadline,
                         size_t most_sets, size_t known_calls) {
  Side side{.run = &run, .shape = &shape, .pool = &pool, .deadline = deadline};
  if (known_calls > 0) {
    side.calls = std::min(known_calls, most_sets);
    return side;
  }
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
  return side;
}

std::expected<void, FailedSide> MeasureEmpty(std::span<Side> sides) {
  std::vector<std::vector<double>> own(sides.size());
  std::vector<std::vector<double>> trusted(sides.size());
  for (int round = 0; round < kEmptyBatches; ++round) {
    for (size_t i = 0; i < sides.size(); ++i) {
      const Side& side = sides[i];
      const auto one = EmptyBatch(side);
      if (!one) return std::unexpected(FailedSide{.side = i, .stop = one.error()});
      const auto other = side.run->TrustedEmpty(*side.shape, *side.pool, FirstSets(side.calls));
      if (!other) return std::unexpected(FailedSide{.side = i, .stop = other.error()});
      own[i].push_back(*one);
      trusted[i].push_back(*other);
    }
  }
  for (size_t i = 0; i < sides.size(); ++i) sides[i].empty = std::min(Median(own[i]), Median(trusted[i]));
  return {};
}

Judged<void> TimeOneByOne(const Side& side, bool flush, OneByOne& times) {
  const size_t count = std::clamp<size_t>(side.calls, 2, kOneByOneCalls);
  // The first call of a process does what the later ones need not do any more.
  const auto keep = [](std::vector<double>& kept, const std::vector<double>& seconds) {
    kept.insert(kept.end(), seconds.begin() + 1, seconds.end());
  };
  for (int batch = 0; batch < kOneByOneBatches; ++batch) {
    const auto sets = RandomSets(count, std::max(count, side.pool->size()));
    KOPT_TRY(const auto calls, side.run->TimeOneByOne(*side.shape, *side.pool, sets, flush, side.deadline));
    keep(times.calls, calls);
    KOPT_TRY(const auto hand_overs, side.run->TimeHandOvers(*side.shape, *side.pool, sets));
    keep(times.hand_overs, hand_overs);
  }
  return {};
}

Judged<nlohmann::ordered_json> CheckOneByOne(const Side& candidate, const Side* baseline, const ShapeSamples& samples,
                                             const Spec& spec, const VerifierOptions& options) {
  std::vector<double> in_batches, baseline_in_batches;
  for (const Quad& quad : samples.quads) {
    in_batches.insert(in_batches.end(), {quad.a1, quad.a2});
    baseline_in_batches.insert(baseline_in_batches.end(), {quad.b1, quad.b2});
  }
  double in_batch = Median(in_batches);
  double shortest_empty = samples.empty_a;
  double factor = 1;
  const std::string shape = ShapeText(spec, *candidate.shape);
  OneByOne times, baseline_times;
  nlohmann::ordered_json row;
  for (int round = 0; round < kOneByOneRounds; ++round) {
    KOPT_CHECK(CheckInterrupt(options));
    // What one CPU has in its caches is near for a call of one thread, and far for one of many.
    const bool flush = round % 2 == 1;
    if (auto timed = TimeOneByOne(candidate, flush, times); !timed) {
      Stop& stop = timed.error();
      stop.refusal.reason = "call by call, each without the next one's inputs: " + stop.refusal.reason;
      return std::unexpected(std::move(stop));
    }
    const double fastest = std::ranges::min(times.calls);
    const double hand_over = Median(times.hand_overs);
    const double least = fastest - hand_over - kColdSeconds;
    if (least > kOneByOneFactor * in_batch) {
      // On a restless machine too long an empty batch may have been taken off. Whatever the candidate itself does since
      // the quads has no say here: it might know that they are over.
      KOPT_TRY(const double empty,
               candidate.run->TrustedEmpty(*candidate.shape, *candidate.pool, FirstSets(candidate.calls)));
      shortest_empty = std::min(shortest_empty, empty);
      in_batch = Median(in_batches) + (samples.empty_a - shortest_empty) / static_cast<double>(candidate.calls);
    }
    if (least > kOneByOneFactor * in_batch && baseline != nullptr) {
      // This moment may be a slower one, or what kopt has just written be far from the CPUs that read it: for the
      // baseline, too.
      if (auto timed = TimeOneByOne(*baseline, flush, baseline_times); !timed) {
        return std::unexpected(BaselineLost(timed.error(), "failed while it was timed"));
      }
      const double baseline_least = std::ranges::min(baseline_times.calls) - Median(baseline_times.hand_overs);
      factor = std::max(1.0, baseline_least / Median(baseline_in_batches));
    }
    row = {{"shape", shape},
           {"process", samples.process},
           {"in_batch_us", in_batch * 1e6},
           {"fastest_us", fastest * 1e6},
           {"hand_over_us", hand_over * 1e6}};
    if (factor > 1) row["baseline_factor"] = factor;
    if (least <= kOneByOneFactor * factor * in_batch) return row;
  }
  return std::unexpected(
      Stop(Refusal{.outcome = Outcome::kUnsafe,
                   .stage = Stage::kMeasure,
                   .reason = fmt::format("it does the work of later calls ahead: a call that does not find the next "
                                         "one's inputs takes {:.1f} us at least, in a batch {:.1f} us (shape {})",
                                         row["fastest_us"].get<double>(), in_batch * 1e6, shape),
                   .evidence = {{"shape", shape}, {"one_by_one", row}}}));
}

Judged<double> TimeBatch(const Side& side) {
  // Sets that were drawn already, in random order, none twice.
  const auto sets = RandomSets(side.calls, std::max(side.calls, side.pool->size()));
  KOPT_TRY(const double seconds, side.run->Time(*side.shape, *side.pool, sets, false, side.deadline));
  return (seconds - side.empty) / static_cast<double>(side.calls);
}

namespace {

// True if the rule is content with every pair of sides.
bool Done(std::span<const Side> sides, const std::vector<Round>& rounds, const StoppingRule& rule, double elapsed) {
  std::vector<double> seconds(sides.size());
  for (const Round& round : rounds) {
    for (size_t i = 0; i < sides.size(); ++i) {
      seconds[i] += (round[i].forward + round[i].back) * static_cast<double>(sides[i].calls);
    }
  }
  for (size_t a = 0; a < sides.size(); ++a) {
    for (size_t b = a + 1; b < sides.size(); ++b) {
      std::vector<double> ratios;
      for (const Round& round : rounds) ratios.push_back(LogRatio(QuadOf(round, a, b)));
      if (!rule.Done(ratios, seconds[a], seconds[b], elapsed)) return false;
    }
  }
  return true;
}

// `last_first`: the last side begins and ends the round. `side`: which one is being timed.
Judged<Round> TimeRound(std::span<const Side> sides, bool last_first, size_t& side) {
  const size_t count = sides.size();
  Round round(count);
  for (size_t i = 0; i < 2 * count; ++i) {
    const size_t place = i < count ? i : 2 * count - 1 - i;
    side = last_first ? count - 1 - place : place;
    KOPT_TRY((i < count ? round[side].forward : round[side].back), TimeBatch(sides[side]));
  }
  return round;
}

}  // namespace

Quad QuadOf(const Round& round, size_t a, size_t b) {
  return {.a1 = round[a].forward, .b1 = round[b].forward, .b2 = round[b].back, .a2 = round[a].back};
}

std::expected<std::vector<Round>, FailedSide> TimeRounds(std::span<Side> sides, const StoppingRule& rule,
                                                         const VerifierOptions& options) {
  KOPT_CHECK(MeasureEmpty(sides));
  std::vector<Round> rounds;
  const double begin = SystemClock().Now();
  do {
    size_t side = 0;
    if (auto go = CheckInterrupt(options); !go) return std::unexpected(FailedSide{0, Stop(go.error())});
    auto round = TimeRound(sides, rounds.size() % 2 == 1, side);
    if (!round) return std::unexpected(FailedSide{side, std::move(round.error())});
    rounds.push_back(*std::move(round));
  } while (!Done(sides, rounds, rule, SystemClock().Now() - begin));
  return rounds;
}

Judged<ShapeSamples> Interleave(const Side& candidate, const Side& baseline, const StoppingRule& rule,
                                const VerifierOptions& options) {
  std::array sides{candidate, baseline};
  auto rounds = TimeRounds(sides, rule, options);
  if (rounds) {
    ShapeSamples samples{.calls_a = static_cast<int>(sides[0].calls),
                         .calls_b = static_cast<int>(sides[1].calls),
                         .empty_a = sides[0].empty,
                         .empty_b = sides[1].empty};
    for (const Round& round : *rounds) samples.quads.push_back(QuadOf(round, 0, 1));
    return samples;
  }
  FailedSide& failed = rounds.error();
  if (failed.side == 0 || failed.stop.ours) return std::unexpected(std::move(failed.stop));
  return std::unexpected(
      Stop(Error{.message = "the baseline failed while it was timed: " + failed.stop.refusal.reason}));
}

}  // namespace kopt
