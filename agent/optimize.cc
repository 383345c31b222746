#include "agent/optimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/budget.h"
#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/permutation.h"
#include "agent/report.h"
#include "agent/results.h"
#include "agent/retry.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

std::string WhyNotConfirmed(const Verdict& verdict) {
  if (!verdict.correct() || !verdict.speedup_interval) return Summary(verdict);
  return fmt::format("{}, {}", FormatSpeedup(verdict), Name(Judge(*verdict.speedup_interval)));
}

// How many configurations beyond the current one the verifier is told of: what one CPU each can compile meanwhile.
constexpr size_t kCompiledAhead = 31;
constexpr uint64_t kLookedThrough = 1000;

// The stage of a verdict that is no work: another kopt held the machine.
constexpr std::string_view kWaiting = "waiting";

double WaitingSeconds(const Verdict& verdict) {
  double seconds = 0;
  for (const auto& [stage, cost] : verdict.stage_seconds) seconds += stage == kWaiting ? cost : 0;
  return seconds;
}

// What three confirming processes spend besides timing, judged by one screening.
double CheckSeconds(const Verdict& verdict) {
  double seconds = 0;
  for (const auto& [stage, cost] : verdict.stage_seconds) {
    if (stage != Name(Stage::kMeasure) && stage != kWaiting) seconds += cost;
  }
  return 3 * seconds;
}

class Optimizer {
 public:
  Optimizer(const Job& job, Verifier& verifier, Store& store, Progress& progress, Clock& clock, Interrupts& interrupts)
      : job_(job),
        seed_(*job.contestants.seed),
        verifier_(verifier),
        recorder_(store, RunRow{.run = job.run,
                                .task = job.spec->name,
                                .spec_hash = job.spec->hash,
                                .target = std::string(Name(job.target)),
                                .device = verifier.device().name,
                                .budget_seconds = job.budget_seconds,
                                .settings = job.settings}),
        progress_(progress),
        clock_(clock),
        interrupts_(interrupts),
        budget_(clock, job.budget_seconds) {}

  Result<OptimizeResult> Run() {
    KOPT_CHECK(Prepare());
    KOPT_CHECK(recorder_.Begin(*job_.spec, job_.contestants));
    Handle(RecordPreparation());
    budget_.Start();
    budget_.KeepForConfirmation(CheckSeconds(result_.screened.front().verdict));
    Announce();
    if (Goes()) Handle(Search());
    if (!result_.failure && interrupts_.signals < 2) Handle(ConfirmBest());
    return End();
  }

 private:
  Result<void> Prepare();
  Result<void> PrepareSeed();
  Result<void> RecordPreparation();
  void Announce();
  Result<void> Search();
  Result<void> Screen(const Configuration& configuration, std::span<const Configuration> ahead);
  Result<void> ConfirmBest();
  Result<void> Confirm(Judged& judged);
  Judged* BestPromising();
  Result<bool> IsAdmissible(const Configuration& configuration) const;
  Result<OptimizeResult> End();

  bool Goes() const { return !result_.failure && interrupts_.signals == 0; }
  bool TargetReached() const {
    return job_.target_speedup && result_.best && *result_.best->verdict.speedup >= *job_.target_speedup;
  }
  // Notes why the search ends; true if it does.
  bool SearchEnds();
  void Handle(const Result<void>& done);
  void Show(std::string doing);
  Result<Verdict> Work(const char* what, const std::function<Result<Verdict>()>& work);

  const Job& job_;
  const Candidate& seed_;
  Verifier& verifier_;
  Recorder recorder_;
  Progress& progress_;
  Clock& clock_;
  Interrupts& interrupts_;
  Budget budget_;
  OptimizeResult result_;
  OutcomeCounts counts_;
  double best_screened_ = 0;      // speedup; 0: none
  double screening_seconds_ = 0;  // of all screenings within the budget
  int screenings_ = 0;
  double confirmation_seconds_ = 0;  // of the last one
};

Result<void> Optimizer::Prepare() {
  const double begin = clock_.Now();
  result_.space = SpaceSize(seed_);
  KOPT_TRY(const bool admissible, IsAdmissible(DefaultConfiguration(seed_)));
  if (!admissible) {
    return std::unexpected(Error{
        .exit = Exit::kUsage,
        .message = fmt::format("the seed's default tunables ({}) violate a `where`", Text(DefaultConfiguration(seed_))),
        .file = seed_.file,
        .line = seed_.where.empty() ? 0 : seed_.where.front().line,
        .key = "where",
        .hint = "the first value of each `tune` line is its default"});
  }
  progress_.Line("checking the spec's power against wrong answers");
  KOPT_TRY(result_.registration, WithRetries([&] { return verifier_.Register(); }));
  progress_.Line(fmt::format("judging the baseline: {}", job_.contestants.BaselineText()));
  KOPT_TRY(result_.baseline, EstablishBaseline(verifier_, job_.contestants));
  KOPT_CHECK(PrepareSeed());
  result_.preparation_seconds = clock_.Now() - begin;
  return {};
}

Result<void> Optimizer::PrepareSeed() {
  Judged first{.configuration = DefaultConfiguration(seed_), .verdict = result_.baseline};
  if (!job_.contestants.SeedIsBaseline()) {
    progress_.Line(fmt::format("judging the seed: {}", seed_.file));
    KOPT_TRY(first.verdict, WithRetries([&] { return verifier_.Screen(seed_, first.configuration, {}); }));
    KOPT_CHECK(MustBeMeasured(first.verdict, "the seed", seed_));
  }
  counts_[first.verdict.outcome] = 1;
  best_screened_ = first.verdict.speedup.value_or(0);
  result_.screened.push_back(std::move(first));
  return {};
}

Result<void> Optimizer::RecordPreparation() {
  auto baseline = result_.baseline.Json();
  baseline.erase("kopt");
  KOPT_CHECK(recorder_.Event("baseline", baseline));
  return recorder_.Add(result_.screened.front(), false);
}

void Optimizer::Announce() {
  const Judged& first = result_.screened.front();
  progress_.Line(
      fmt::format("the baseline takes {}; the seed's defaults reach {}", FormatMicroseconds(result_.baseline.time_us),
                  job_.contestants.SeedIsBaseline() ? "1x, they are the baseline" : FormatSpeedup(first.verdict)));
  if (result_.space == 1) {
    progress_.Line("the seed has no tunables: there is nothing to search");
    return;
  }
  progress_.Line(fmt::format("searching {} configurations of {} for {}, then confirming the best for up to {}",
                             result_.space, seed_.file, FormatDuration(job_.budget_seconds - budget_.tail()),
                             FormatDuration(budget_.tail())));
}

Result<bool> Optimizer::IsAdmissible(const Configuration& configuration) const {
  std::vector<const Shape*> shapes = job_.spec->Scored(job_.target);
  const std::vector<const Shape*> checks = job_.spec->Checks(job_.target);
  shapes.insert(shapes.end(), checks.begin(), checks.end());
  return Admissible(*job_.spec, seed_, configuration, shapes, verifier_.device().values);
}

bool Optimizer::SearchEnds() {
  const double expected = screenings_ == 0 ? 0 : screening_seconds_ / screenings_;
  if (interrupts_.signals > 0) {
    result_.stopped_by = "interrupted";
  } else if (TargetReached()) {
    result_.stopped_by = "target speedup";
  } else if (!budget_.RoomToSearch(expected)) {
    result_.stopped_by = "budget";
  }
  return !result_.stopped_by.empty();
}

Result<void> Optimizer::Search() {
  // Point 0, the defaults, is judged already.
  const auto points = static_cast<uint64_t>(result_.space - 1);
  const Permutation order(points, job_.random_seed);
  std::vector<Configuration> coming;
  uint64_t next = 0;
  while (!SearchEnds()) {
    // A `where` may leave few points of many: what comes after the next one is not looked for long.
    const uint64_t enough = next + kLookedThrough;
    for (; next < points && (coming.empty() || (coming.size() <= kCompiledAhead && next < enough)); ++next) {
      if (SearchEnds()) return {};
      Configuration configuration = SpacePoint(seed_, 1 + static_cast<long long>(order.At(next)));
      KOPT_TRY(const bool admissible, IsAdmissible(configuration));
      if (admissible) coming.push_back(std::move(configuration));
    }
    if (coming.empty()) break;
    const Configuration configuration = std::move(coming.front());
    coming.erase(coming.begin());
    KOPT_CHECK(Screen(configuration, coming));
  }
  const bool exhausted = coming.empty() && next == points;
  if (exhausted && (!SearchEnds() || result_.stopped_by == "budget")) result_.stopped_by = "space exhausted";
  return {};
}

Result<void> Optimizer::Screen(const Configuration& configuration, std::span<const Configuration> ahead) {
  Show(fmt::format("testing {}", Text(configuration)));
  const double begin = budget_.Active();
  const Screening screening{.incumbent = best_screened_, .ahead = ahead};
  KOPT_TRY(Verdict verdict, Work("screen", [&] { return verifier_.Screen(seed_, configuration, screening); }));
  screening_seconds_ += budget_.Active() - begin;
  ++screenings_;
  ++counts_[verdict.outcome];
  result_.screened.push_back(
      {.configuration = configuration, .verdict = std::move(verdict), .at_seconds = budget_.Active()});
  Judged& judged = result_.screened.back();
  KOPT_CHECK(recorder_.Add(judged, false));
  const double speedup = judged.verdict.speedup.value_or(0);
  if (speedup > best_screened_ && speedup > 1) {
    progress_.Line(fmt::format("{:>9}  {}  {}", FormatDuration(judged.at_seconds), FormatSpeedup(judged.verdict),
                               Text(configuration)));
  }
  best_screened_ = std::max(best_screened_, speedup);
  if (job_.target_speedup && speedup >= *job_.target_speedup && IsPromising(judged)) KOPT_CHECK(Confirm(judged));
  return {};
}

Judged* Optimizer::BestPromising() {
  Judged* best = nullptr;
  for (Judged& judged : result_.screened) {
    if (IsPromising(judged) && (best == nullptr || *judged.verdict.speedup > *best->verdict.speedup)) best = &judged;
  }
  return best;
}

Result<void> Optimizer::ConfirmBest() {
  interrupts_.FinishWork();
  while (interrupts_.signals < 2 && !TargetReached()) {
    Judged* next = BestPromising();
    if (next == nullptr) break;
    if (result_.best && *next->verdict.speedup <= *result_.best->verdict.speedup) break;
    // One confirmation is always made: a run without a proven figure is worth nothing.
    if (!result_.confirmations.empty() && !budget_.RoomToConfirm(confirmation_seconds_)) break;
    const bool had_best = result_.best.has_value();
    if (interrupts_.signals == 1) progress_.Line("interrupted: a second signal ends the run at once");
    KOPT_CHECK(Confirm(*next));
    if (!had_best && result_.best) break;
  }
  return {};
}

Result<void> Optimizer::Confirm(Judged& judged) {
  Show(fmt::format("confirming {}", Text(judged.configuration)));
  progress_.Line(
      fmt::format("confirming {}, screened at {}", Text(judged.configuration), FormatSpeedup(judged.verdict)));
  const double begin = budget_.Active();
  KOPT_TRY(Verdict verdict,
           Work("confirm", [&] { return verifier_.Confirm(seed_, judged.configuration, budget_.Left()); }));
  confirmation_seconds_ = budget_.Active() - begin;
  judged.confirmed = true;
  Judged confirmation{.configuration = judged.configuration,
                      .verdict = std::move(verdict),
                      .at_seconds = budget_.Active(),
                      .confirmed = true};
  KOPT_CHECK(recorder_.Add(confirmation, true));
  if (!IsFaster(confirmation.verdict)) {
    progress_.Line(fmt::format("  not confirmed: {}", WhyNotConfirmed(confirmation.verdict)));
  } else {
    progress_.Line(fmt::format("  confirmed: {}", FormatSpeedup(confirmation.verdict)));
    if (!result_.best || *confirmation.verdict.speedup > *result_.best->verdict.speedup) result_.best = confirmation;
  }
  result_.confirmations.push_back(std::move(confirmation));
  return {};
}

Result<Verdict> Optimizer::Work(const char* what, const std::function<Result<Verdict>()>& work) {
  Result<Verdict> verdict = WithRetries(work, [&](const Error& error) {
    progress_.Line(fmt::format("a failure of kopt itself, trying again: {}", error.Text()));
    // The run goes on; if the store is what fails, the next verdict says so.
    (void)recorder_.Event("fault", {{"work", what}, {"message", error.Text()}, {"log", Printable(error.log)}});
  });
  if (verdict) budget_.Waited(WaitingSeconds(*verdict));
  return verdict;
}

void Optimizer::Show(std::string doing) {
  Status status{.doing = std::move(doing), .counts = counts_, .seconds_left = budget_.Left()};
  if (best_screened_ > 0) status.best = best_screened_;
  if (result_.best) status.best = result_.best->verdict.speedup;
  progress_.Show(status);
}

// An interruption is an end like any other; what else stops the loop is kept and reported after the results.
void Optimizer::Handle(const Result<void>& done) {
  if (done || done.error().exit == Exit::kInterrupted) {
    if (!done) result_.interrupted = true;
    return;
  }
  if (!result_.failure) result_.failure = done.error();
  result_.stopped_by = "failure";
}

Result<OptimizeResult> Optimizer::End() {
  interrupts_.finish_work = false;
  progress_.End();
  result_.interrupted = result_.interrupted || interrupts_.signals > 0;
  if (result_.interrupted && !result_.failure) result_.stopped_by = "interrupted";
  result_.device = verifier_.device();
  result_.active_seconds = budget_.Active();
  result_.tail_seconds = budget_.tail();
  result_.run = recorder_.run();
  result_.run.outcome = OutcomeOf(result_);
  result_.document = ResultDocument(job_, result_);
  const auto written = WriteResults(job_, result_);
  const bool whole = !result_.interrupted && !result_.failure && written;
  const auto stored =
      recorder_.End(whole ? "done" : "interrupted", result_.run.outcome, result_.active_seconds, result_.document);
  result_.run = recorder_.run();
  if (!result_.failure && !written) result_.failure = written.error();
  if (!result_.failure && !stored) result_.failure = stored.error();
  return std::move(result_);
}

}  // namespace

OutcomeCounts CountOutcomes(const std::vector<Judged>& screened) {
  OutcomeCounts counts;
  for (const Judged& judged : screened) ++counts[judged.verdict.outcome];
  return counts;
}

Result<OptimizeResult> Optimize(const Job& job, Verifier& verifier, Store& store, Progress& progress, Clock& clock,
                                Interrupts& interrupts) {
  auto result = Optimizer(job, verifier, store, progress, clock, interrupts).Run();
  progress.End();
  return result;
}

}  // namespace kopt
