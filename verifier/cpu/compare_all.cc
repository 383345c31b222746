#include "verifier/cpu/compare_all.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "verifier/core/conclude.h"
#include "verifier/cpu/measure.h"
#include "verifier/cpu/steps.h"

namespace kopt {
namespace {

constexpr double kSecondsEach = kConfirmationSeconds / 2;  // of samples: as much as a side of a confirmation gets

class Comparing {
 public:
  Comparing(CpuContext& context, const ShapePools& pools, std::span<const Contender> contenders, double seconds)
      : context_(context), pools_(pools), contenders_(contenders) {
    const bool given = seconds < kNoLimit;
    const double all = given ? seconds : kSecondsEach * static_cast<double>(contenders.size());
    const auto scored = std::ranges::count_if(pools, &ShapePool::scored);
    rule_ = ConfirmationRule(all / (kConfirmationProcesses * static_cast<double>(std::max<long>(scored, 1))));
    if (given) rule_.seconds_a_side = 0;  // only the time and the width of the intervals end it
    for (size_t i = 0; i < contenders.size(); ++i) running_.push_back(i);
    result_.verdicts.resize(contenders.size());
  }

  Result<SideBySide> Run() {
    for (int process = 0; process < kConfirmationProcesses; ++process) KOPT_CHECK(RunProcess(process));
    const std::vector<size_t> right = running_;
    for (size_t i : right) {
      Verdict& verdict = result_.verdicts[i];
      verdict.outcome = Outcome::kMeasured;
      verdict.stage = Stage::kMeasure;
      verdict.confirmed = true;
      if (auto concluded = Conclude(ScaleOf(context_, pools_), verdict); !concluded) {
        KOPT_CHECK(Drop(i, std::move(concluded.error())));
      }
    }
    return std::move(result_);
  }

 private:
  Result<void> RunProcess(int process);
  Result<void> TimeShape(ShapePool& shape, int process, std::map<size_t, std::unique_ptr<CandidateRun>>& runs);
  Judged<Side> SideOf(CandidateRun& run, ShapePool& shape, size_t most) const {
    return PrepareSide(run, *shape.shape, *shape.pool, deadline_, most);
  }
  void Keep(const ShapePool& shape, int process, std::span<const Side> sides, const std::vector<Round>& rounds);
  Result<void> CheckCallsOneByOne(std::span<const Side> sides);
  // A refusal takes the contender out; an error of ours ends the comparison.
  Result<void> Drop(size_t contender, Stop stop);

  CpuContext& context_;
  const ShapePools& pools_;
  std::span<const Contender> contenders_;
  Deadline deadline_{.limit_seconds = context_.spec.limits.seconds};
  StoppingRule rule_;                                    // of a shape in a process
  std::vector<size_t> running_;                          // numbers of the contenders that are right so far
  std::map<size_t, nlohmann::ordered_json> one_by_one_;  // by contender: rows of the evidence
  SideBySide result_;
};

Result<void> Comparing::Drop(size_t contender, Stop stop) {
  if (stop.ours) return std::unexpected(*stop.ours);
  Refusal& refusal = stop.refusal;
  result_.verdicts[contender] = {.outcome = refusal.outcome,
                                 .stage = refusal.stage,
                                 .reason = std::move(refusal.reason),
                                 .evidence = std::move(refusal.evidence)};
  std::erase(running_, contender);
  std::erase_if(result_.pairs,
                [&](const auto& pair) { return pair.first.first == contender || pair.first.second == contender; });
  return {};
}

Result<void> Comparing::RunProcess(int process) {
  StageTimes times(context_.lane);
  KOPT_TRY(ShapePools pools, NewShapePools(context_, SecretSeed(), SecretSeed()));
  const auto deadline = [this](const Shape&) { return deadline_; };
  std::map<size_t, std::unique_ptr<CandidateRun>> runs;
  for (size_t i : std::vector(running_)) {
    const Contender& contender = contenders_[i];
    auto run = CompileAndLoad(context_, pools, *contender.candidate, contender.configuration, {}, times);
    auto right = run ? CheckAll(context_, **run, pools, deadline, false) : std::unexpected(run.error());
    if (right) {
      runs[i] = *std::move(run);
    } else {
      KOPT_CHECK(Drop(i, std::move(right.error())));
    }
  }
  for (ShapePool& shape : pools) {
    if (shape.scored) KOPT_CHECK(TimeShape(shape, process, runs));
  }
  for (size_t i : running_) {
    result_.verdicts[i].evidence = runs.at(i)->evidence();
    result_.verdicts[i].evidence["bitwise_repeatable"] = runs.at(i)->bitwise_repeatable();
    if (one_by_one_.contains(i)) result_.verdicts[i].evidence["one_by_one"] = one_by_one_.at(i);
  }
  return {};
}

Result<void> Comparing::TimeShape(ShapePool& shape, int process,
                                  std::map<size_t, std::unique_ptr<CandidateRun>>& runs) {
  while (!running_.empty()) {
    size_t scratch = 0;
    for (size_t i : running_) scratch = std::max(scratch, runs.at(i)->ScratchBytes(*shape.shape));
    KOPT_TRY(const size_t most, shape.pool->Most(scratch));
    const Lane::Hold hold = context_.lane.Alone();
    std::vector<Side> sides;
    for (size_t i : std::vector(running_)) {
      auto side = SideOf(*runs.at(i), shape, most);
      if (side) {
        sides.push_back(*std::move(side));
      } else {
        KOPT_CHECK(Drop(i, std::move(side.error())));
      }
    }
    if (sides.empty()) return {};
    auto rounds = TimeRounds(sides, rule_, context_.options);
    if (rounds) {
      Keep(shape, process, sides, *rounds);
      return CheckCallsOneByOne(sides);
    }
    // The others begin this shape anew.
    KOPT_CHECK(Drop(running_[rounds.error().side], std::move(rounds.error().stop)));
  }
  return {};
}

// By what was kept of the shape last.
Result<void> Comparing::CheckCallsOneByOne(std::span<const Side> sides) {
  const std::vector<size_t> contenders = running_;
  for (size_t i = 0; i < sides.size(); ++i) {
    if (sides[i].calls == 1) continue;
    auto row = CheckOneByOne(sides[i], nullptr, result_.verdicts[contenders[i]].samples.back(), context_.spec,
                             context_.options);
    if (row) {
      one_by_one_[contenders[i]].push_back(std::move(*row));
    } else {
      KOPT_CHECK(Drop(contenders[i], std::move(row.error())));
    }
  }
  return {};
}

void Comparing::Keep(const ShapePool& shape, int process, std::span<const Side> sides,
                     const std::vector<Round>& rounds) {
  const auto samples_of = [&](const Side& a, const Side& b) {
    return ShapeSamples{.shape = shape.number,
                        .process = process,
                        .calls_a = static_cast<int>(a.calls),
                        .calls_b = static_cast<int>(b.calls),
                        .empty_a = a.empty,
                        .empty_b = b.empty};
  };
  for (size_t a = 0; a < sides.size(); ++a) {
    ShapeSamples own = samples_of(sides[a], sides[a]);
    own.calls_b = 0;
    for (const Round& round : rounds) own.quads.push_back({.a1 = round[a].forward, .a2 = round[a].back});
    result_.verdicts[running_[a]].samples.push_back(std::move(own));
    for (size_t b = a + 1; b < sides.size(); ++b) {
      ShapeSamples pair = samples_of(sides[a], sides[b]);
      for (const Round& round : rounds) pair.quads.push_back(QuadOf(round, a, b));
      result_.pairs[{running_[a], running_[b]}].push_back(std::move(pair));
    }
  }
}

}  // namespace

Result<SideBySide> CompareAll(CpuContext& context, const ShapePools& pools, std::span<const Contender> contenders,
                              double seconds) {
  return Comparing(context, pools, contenders, seconds).Run();
}

}  // namespace kopt
