#include "verifier/cuda/cuda_interleave.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <random>
#include <set>

#include "base/clock.h"
#include "base/hash.h"
#include "verifier/core/interrupt.h"
#include "verifier/core/unseen_inputs.h"

namespace kopt {
namespace {

constexpr size_t kMostSets = 16;          // of a timed batch
constexpr double kSingleSeconds = 20e-6;  // calls of so long are timed one by one
constexpr double kBatchSeconds = 50e-6;   // that a batch of shorter ones should last
constexpr double kMostSetBytes = 4e9;     // of the sets of one shape, on the device
constexpr size_t kMostLaunches = 64;      // that may be queued behind a blocked stream
constexpr int kAloneBatches = 9;          // of one side without the other
constexpr int kWarmUpBatches = 2;         // before those
constexpr size_t kQuadsAnUnseen = 3;      // between two batches on unseen inputs
constexpr double kAuditSeconds = 0.1;     // for drawing and answering sets for audits
constexpr double kMoreAuditSeconds = 2;   // of a candidate that is suspected already

// 0 to count - 1.
std::vector<size_t> RandomOrder(size_t count) {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  std::mt19937_64 generator(SecretSeed());
  std::ranges::shuffle(numbers, generator);
  return numbers;
}

// `count` different sets among those that there are, in random order.
std::vector<size_t> RandomNumbers(const CudaShape& shape, size_t count) {
  std::vector<size_t> numbers = RandomOrder(std::max(count, shape.sets->size()));
  numbers.resize(count);
  return numbers;
}

Judged<std::vector<const CudaOracle::Set*>> SetsOf(const CudaShape& shape, const std::vector<size_t>& numbers) {
  std::vector<const CudaOracle::Set*> sets;
  for (const size_t number : numbers) {
    KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(number));
    sets.push_back(set);
  }
  return sets;
}

// Median of a few batches in a row.
template <class Timed>
Judged<double> MedianOfBatches(const CudaContext& context, const Timed& timed) {
  std::vector<double> seconds;
  for (int i = 0; i < kWarmUpBatches + kAloneBatches; ++i) {
    KOPT_CHECK(CheckInterrupt(context.options));
    KOPT_TRY(const double one, timed());
    if (i >= kWarmUpBatches) seconds.push_back(one);
  }
  return Median(std::move(seconds));
}

class Interleaver {
 public:
  Interleaver(CudaContext& context, CudaRun& run, const CudaShape& shape, const Timing& how)
      : context_(context), run_(run), shape_(shape), how_(how) {}

  Judged<void> Run(Verdict& verdict);

 private:
  Judged<double> Timed(int side);
  Judged<double> TimedAlone(int side);
  // Times both alone if they disturb each other.
  Judged<void> CompareAlone(AloneTimes times, Verdict& verdict);
  Judged<void> PlanAudits(size_t batches, double seconds);
  Judged<void> TimeUnseen();
  Judged<void> LookForMemory(Verdict& verdict);

  CudaContext& context_;
  CudaRun& run_;
  const CudaShape& shape_;
  const Timing& how_;
  size_t calls_ = 1;
  std::vector<std::optional<CudaSets::Known>> audits_;  // of each batch on unseen inputs, one call
  std::set<int> audited_;                               // sets that this process has been given for that
  std::vector<double> seen_, unseen_;
};

Judged<double> Interleaver::Timed(int side) {
  auto seconds = TimeOnce(run_, side, shape_, calls_, how_.deadline);
  if (!seconds && side == CudaRun::kBaseline) {
    return std::unexpected(BaselineLost(seconds.error(), "failed while it was timed"));
  }
  if (seconds && side == CudaRun::kCandidate) seen_.push_back(*seconds);
  return seconds;
}

// These batches are none of those that batches on unseen inputs are compared with.
Judged<double> Interleaver::TimedAlone(int side) {
  const size_t seen = seen_.size();
  auto seconds = MedianOfBatches(context_, [&] { return Timed(side); });
  seen_.resize(seen);
  return seconds;
}

Judged<void> Interleaver::CompareAlone(AloneTimes times, Verdict& verdict) {
  if (!AreDisturbed(times.baseline_before, times.baseline_beside)) return {};
  KOPT_TRY(times.candidate_alone, TimedAlone(CudaRun::kCandidate));
  KOPT_TRY(times.baseline_after, TimedAlone(CudaRun::kBaseline));
  AddAlone(times, shape_.number, verdict);
  verdict.evidence["alone"].push_back({{"shape", ShapeText(context_.spec, *shape_.shape)},
                                       {"process", how_.process},
                                       {"baseline_before_us", times.baseline_before * 1e6},
                                       {"baseline_beside_us", times.baseline_beside * 1e6},
                                       {"baseline_after_us", times.baseline_after * 1e6},
                                       {"candidate_beside_us", times.candidate_beside * 1e6},
                                       {"candidate_alone_us", times.candidate_alone * 1e6}});
  return {};
}

// One call of each of the next batches is compared, as far as there are sets with answers that this process was never
// given: of fewer sets than batches, those drawn in secret. What would be fast on unseen inputs leaves out nearly every
// call of a batch, so one is enough.
Judged<void> Interleaver::PlanAudits(size_t batches, double seconds) {
  KOPT_TRY(std::vector<CudaSets::Known> known, shape_.sets->ForAudits(seconds));
  known.insert(known.end(), how_.unseen.begin(), how_.unseen.end());
  const std::vector<size_t> order = RandomOrder(batches);
  const size_t first = audits_.size();
  audits_.resize(first + batches);
  size_t next = 0;
  for (const CudaSets::Known& one : known) {
    if (next == batches) break;
    if (audited_.insert(one.answer->id()).second) audits_[first + order[next++]] = one;
  }
  return {};
}

// In the memory of sets that it knows, so that nothing but the numbers in it is new.
Judged<void> Interleaver::TimeUnseen() {
  const std::vector<size_t> numbers = RandomNumbers(shape_, calls_);
  KOPT_TRY(const auto sets, SetsOf(shape_, numbers));
  const auto& known = audits_.at(unseen_.size());
  std::optional<CudaRun::Audit> audit;
  if (known) audit = {.call = SecretSeed() % calls_, .answer = known->answer};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const bool audited = audit && audit->call == i;
    KOPT_CHECK(shape_.sets->DrawOver(numbers[i], audited ? known->recipe : shape_.sets->NewRecipe()));
  }
  const auto seconds = run_.TimeUnseen(CudaRun::kCandidate, shape_, sets, how_.deadline, audit);
  for (const size_t number : numbers) KOPT_CHECK(shape_.sets->Restore(number));  // other candidates need them too
  if (!seconds) return std::unexpected(seconds.error());
  unseen_.push_back(*seconds);
  return {};
}

Judged<void> Interleaver::LookForMemory(Verdict& verdict) {
  while (unseen_.size() < UnseenInputs::kBatches) KOPT_CHECK(TimeUnseen());
  const bool suspicious = CompareUnseen(seen_, unseen_).IsSuspicious();
  if (suspicious) KOPT_CHECK(PlanAudits(UnseenInputs::kMoreBatches, kMoreAuditSeconds));
  for (int i = 0; suspicious && i < UnseenInputs::kMoreBatches; ++i) {
    KOPT_CHECK(CheckInterrupt(context_.options));
    KOPT_CHECK(Timed(CudaRun::kCandidate));
    KOPT_CHECK(TimeUnseen());
  }
  const UnseenInputs found = CompareUnseen(seen_, unseen_);
  auto& rows = verdict.evidence["unseen_inputs"];
  const std::string shape = ShapeText(context_.spec, *shape_.shape);
  rows.push_back(
      {{"shape", shape}, {"batches", found.count}, {"compared", audited_.size()}, {"time_ratio", found.ratio}});
  if (!found.IsCertain()) return {};
  return std::unexpected(Stop(
      Refusal{.outcome = Outcome::kUnsafe,
              .stage = Stage::kMeasure,
              .reason = fmt::format("it keeps answers between calls: on inputs that it has not seen before it takes "
                                    "{:.2f} times as long (shape {})",
                                    found.ratio, shape),
              .evidence = {{"shape", shape}, {"unseen_inputs", rows}}}));
}

Judged<void> Interleaver::Run(Verdict& verdict) {
  const bool varies = Varies(context_.spec);
  {
    // As many calls on either side: what a batch costs besides its calls is the same for both then.
    const Lane::Hold hold = context_.lane.Shared();
    KOPT_TRY(const size_t a, CallsFor(context_, run_, CudaRun::kCandidate, shape_, how_.deadline));
    KOPT_TRY(const size_t b, CallsFor(context_, run_, CudaRun::kBaseline, shape_, how_.deadline));
    calls_ = std::max(a, b);
    if (varies) KOPT_CHECK(PlanAudits(UnseenInputs::kBatches, kAuditSeconds));
  }
  const Lane::Hold hold = context_.lane.Alone();
  const auto calls = static_cast<int>(calls_);
  ShapeSamples samples{.shape = shape_.number, .process = how_.process, .calls_a = calls, .calls_b = calls};
  KOPT_TRY(const double before, TimedAlone(CudaRun::kBaseline));
  std::vector<double> beside, candidate_beside;
  std::vector<double> ratios;
  double seconds_a = 0;
  double seconds_b = 0;
  const double begin = SystemClock().Now();
  do {
    KOPT_CHECK(CheckInterrupt(context_.options));
    KOPT_CHECK(run_.AwaitClock());
    Quad quad;
    if (ratios.size() % 2 == 0) {
      KOPT_TRY(quad.a1, Timed(CudaRun::kCandidate));
      KOPT_TRY(quad.b1, Timed(CudaRun::kBaseline));
      KOPT_TRY(quad.b2, Timed(CudaRun::kBaseline));
      KOPT_TRY(quad.a2, Timed(CudaRun::kCandidate));
    } else {  // where in a quad a batch lies costs both the same
      KOPT_TRY(quad.b1, Timed(CudaRun::kBaseline));
      KOPT_TRY(quad.a1, Timed(CudaRun::kCandidate));
      KOPT_TRY(quad.a2, Timed(CudaRun::kCandidate));
      KOPT_TRY(quad.b2, Timed(CudaRun::kBaseline));
    }
    samples.quads.push_back(quad);
    ratios.push_back(LogRatio(quad));
    beside.insert(beside.end(), {quad.b1, quad.b2});
    candidate_beside.insert(candidate_beside.end(), {quad.a1, quad.a2});
    seconds_a += (quad.a1 + quad.a2) * static_cast<double>(calls_);
    seconds_b += (quad.b1 + quad.b2) * static_cast<double>(calls_);
    const bool due = ratios.size() % kQuadsAnUnseen == 0 && unseen_.size() < UnseenInputs::kBatches;
    if (varies && due) KOPT_CHECK(TimeUnseen());
  } while (!how_.rule.Done(ratios, seconds_a, seconds_b, SystemClock().Now() - begin));
  samples.empty_a = samples.empty_b = run_.empty_seconds();
  verdict.samples.push_back(std::move(samples));
  KOPT_CHECK(CompareAlone({.baseline_before = before,
                           .baseline_beside = Median(std::move(beside)),
                           .candidate_beside = Median(std::move(candidate_beside))},
                          verdict));
  if (varies) KOPT_CHECK(LookForMemory(verdict));
  return {};
}

}  // namespace

Judged<size_t> CallsFor(CudaContext& context, CudaRun& run, int side, const CudaShape& shape,
                        const Deadline& deadline) {
  KOPT_TRY(const CudaOracle::Set* first, shape.sets->Get(0));
  KOPT_TRY(const double seconds, run.Time(side, shape, {first}, deadline));
  const double bytes = static_cast<double>(std::max<size_t>(first->bytes + run.ScratchBytes(*shape.shape), 1));
  const auto by_memory = static_cast<size_t>(std::min(kMostSetBytes, 0.1 * context.device.memory_bytes) / bytes);
  const size_t by_launches = kMostLaunches / run.Launches(side, *shape.shape);
  const auto wanted =
      seconds >= kSingleSeconds ? 1 : static_cast<size_t>(std::ceil(kBatchSeconds / std::max(seconds, 1e-7)));
  const size_t calls =
      std::clamp<size_t>(wanted, 1, std::max<size_t>(1, std::min({kMostSets, by_memory, by_launches})));
  KOPT_CHECK(shape.sets->Get(calls - 1));
  return calls;
}

Judged<double> TimeOnce(CudaRun& run, int side, const CudaShape& shape, size_t calls, const Deadline& deadline) {
  KOPT_TRY(const auto sets, SetsOf(shape, RandomNumbers(shape, calls)));
  return run.Time(side, shape, sets, deadline);
}

Judged<void> Interleave(CudaContext& context, CudaRun& run, const CudaShape& shape, const Timing& how,
                        Verdict& verdict) {
  return Interleaver(context, run, shape, how).Run(verdict);
}

Judged<double> TimeByItself(CudaContext& context, CudaRun& run, const CudaShape& shape, size_t calls,
                            const Deadline& deadline) {
  KOPT_CHECK(shape.sets->Get(calls - 1));
  const Lane::Hold hold = context.lane.Alone();
  KOPT_CHECK(run.AwaitClock());
  return MedianOfBatches(context, [&] { return TimeOnce(run, CudaRun::kCandidate, shape, calls, deadline); });
}

}  // namespace kopt
