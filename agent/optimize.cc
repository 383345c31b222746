#include "agent/optimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/budget.h"
#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/manifest.h"
#include "agent/report/report.h"
#include "agent/results.h"
#include "agent/retry.h"
#include "agent/search/search.h"
#include "agent/search/space.h"
#include "base/printable.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

std::string WhyNotConfirmed(const Verdict& verdict) {
  if (!verdict.correct() || !verdict.speedup_interval) return Summary(verdict);
  return fmt::format("{}, {}", FormatSpeedup(verdict), Name(Judge(*verdict.speedup_interval)));
}

// How many configurations the search proposes at a time: while one is timed nothing is compiled, but before it the
// others are, on the CPUs that it leaves idle.
constexpr size_t kProposed = 4;

// How many of the best are confirmed where the budget has room: what leads by screening leads by luck, too.
constexpr int kLeaders = 3;

// Confirmations in a row that found nothing faster: then the rest, screened lower, is let be.
constexpr int kRefuted = 5;

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

// The run's row at the beginning: a new one, or the one that was claimed.
RunRow BeginningOf(const Job& job, const Device& device) {
  if (!job.history) {
    return {.run = job.run,
            .task = job.spec->name,
            .spec_hash = job.spec->hash,
            .target = std::string(Name(job.target)),
            .device = device.name,
            .budget_seconds = job.budget_seconds,
            .settings = job.settings};
  }
  RunRow row = job.history->row;
  row.budget_seconds = job.budget_seconds;
  row.settings = job.settings;
  return row;
}

// What a verdict cost, without the time that another kopt had the machine.
double WorkingSeconds(const Verdict& verdict) {
  double seconds = 0;
  for (const auto& [stage, cost] : verdict.stage_seconds) seconds += stage == kWaiting ? 0 : cost;
  return seconds;
}

class Optimizer {
 public:
  Optimizer(const Job& job, Verifier& verifier, Store& store, Progress& progress, Clock& clock, Interrupts& interrupts)
      : job_(job),
        seed_(*job.contestants.seed),
        verifier_(verifier),
        recorder_(store, BeginningOf(job, verifier.device())),
        progress_(progress),
        clock_(clock),
        interrupts_(interrupts),
        budget_(clock, job.budget_seconds, job.history ? job.history->row.active_seconds : 0) {}

  Result<OptimizeResult> Run() {
    // First of all, so that a run that is killed while it prepares is there to be resumed.
    if (!job_.history) KOPT_CHECK(recorder_.Begin(*job_.spec, job_.contestants));
    if (auto prepared = Prepare(); !prepared) {
      (void)recorder_.Abandon(job_.history ? &job_.history->row : nullptr);  // why it could not begin is what matters
      return std::unexpected(prepared.error());
    }
    budget_.Start();
    budget_.KeepForConfirmation(CheckSeconds(result_.screened.front().verdict), kLeaders);
    Announce();
    if (Goes()) Handle(Search());
    if (!result_.failure && interrupts_.signals < 2) Handle(ConfirmLeaders());
    return End();
  }

 private:
  Result<void> Prepare();
  Result<void> PrepareSearch();
  Result<void> PrepareSeed();
  void Recall();
  void Announce();
  Result<void> Search();
  Result<void> Screen(const Configuration& configuration, std::span<const Configuration> ahead);
  Result<void> ConfirmLeaders();
  Result<void> Confirm(Judged& judged);
  Result<Verdict> TryToConfirm(const Configuration& configuration);
  Judged* BestPromising();
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
  std::optional<Space> space_;
  std::unique_ptr<kopt::Search> search_;
  OptimizeResult result_;
  OutcomeCounts counts_;
  double best_screened_ = 0;      // speedup; 0: none
  double screening_seconds_ = 0;  // of all screenings within the budget
  int screenings_ = 0;
  double confirmation_seconds_ = 0;  // of the last one
};

Result<void> Optimizer::Prepare() {
  const double begin = clock_.Now();
  KOPT_CHECK(PrepareSearch());
  progress_.Line("checking the spec's power against wrong answers");
  KOPT_TRY(result_.registration, WithRetries([&] { return verifier_.Register(); }));
  progress_.Line(fmt::format("judging the baseline: {}", job_.contestants.BaselineText()));
  KOPT_TRY(result_.baseline, EstablishBaseline(verifier_, job_.contestants));
  auto baseline = result_.baseline.Json();
  baseline.erase("kopt");
  KOPT_CHECK(recorder_.Event("baseline", baseline));
  Recall();
  if (result_.screened.empty()) KOPT_CHECK(PrepareSeed());
  result_.preparation_seconds = clock_.Now() - begin;
  return {};
}

Result<void> Optimizer::PrepareSearch() {
  std::vector<const Shape*> shapes = job_.spec->Scored(job_.target);
  const std::vector<const Shape*> checks = job_.spec->Checks(job_.target);
  shapes.insert(shapes.end(), checks.begin(), checks.end());
  KOPT_TRY(space_, Space::Create(*job_.spec, seed_, shapes, verifier_.device().values));
  result_.space = space_->size();
  if (space_->extent() == Space::Extent::kListed) result_.admissible = space_->points().size();
  const Configuration defaults = DefaultConfiguration(seed_);
  const auto point = space_->Find(defaults);
  if (!point || !space_->IsAdmissible(*point)) {
    const bool none = space_->extent() == Space::Extent::kEmpty;
    return std::unexpected(Error{
        .exit = Exit::kUsage,
        .message = none
                       ? fmt::format("none of the {} configurations of the seed satisfies every `where`", result_.space)
                       : fmt::format("the seed's default tunables ({}) violate a `where`", Text(defaults)),
        .file = seed_.file,
        .line = seed_.where.empty() ? 0 : seed_.where.front().line,
        .key = "where",
        .hint = none ? "a `where` holds if it is not 0 at every [[shape]] and [[check]] of the target"
                     : "the first value of each `tune` line is its default"});
  }
  KOPT_TRY(search_, NewSearch(job_.strategy, *space_, job_.random_seed));
  return {};
}

// What a resumed run has judged already.
void Optimizer::Recall() {
  if (!job_.history) return;
  result_.screened = job_.history->screened;
  result_.confirmations = job_.history->confirmations;
  counts_ = CountOutcomes(result_.screened);
  for (const Judged& judged : result_.screened) {
    best_screened_ = std::max(best_screened_, judged.verdict.speedup.value_or(0));
    screening_seconds_ += WorkingSeconds(judged.verdict);
    ++screenings_;
  }
  if (!result_.confirmations.empty()) confirmation_seconds_ = WorkingSeconds(result_.confirmations.back().verdict);
  if (const Judged* winner = Winner(result_.confirmations)) result_.best = *winner;
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
  KOPT_CHECK(recorder_.Add(first, false));
  result_.screened.push_back(std::move(first));
  return {};
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
  if (job_.history) {
    progress_.Line(
        fmt::format("resuming after {} of active time: {}", FormatDuration(budget_.Active()), Text(counts_)));
  }
  const std::string points = result_.admissible ? fmt::format("{} configurations", *result_.admissible)
                                                : fmt::format("a space of {} points", FormatCount(result_.space));
  if (std::isinf(job_.budget_seconds)) {
    progress_.Line(
        fmt::format("searching {} of {} until every one was tried, then confirming the best", points, seed_.file));
    return;
  }
  progress_.Line(fmt::format("searching {} of {} for {}, then confirming the best for up to {}", points, seed_.file,
                             FormatDuration(std::max(budget_.Left() - budget_.tail(), 0.0)),
                             FormatDuration(std::min(budget_.tail(), std::max(budget_.Left(), 0.0)))));
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
  std::vector<Trial> trials;
  std::vector<Configuration> coming;
  while (!SearchEnds()) {
    for (size_t i = trials.size(); i < result_.screened.size(); ++i) {
      trials.push_back(TrialOf(result_.screened[i].configuration, result_.screened[i].verdict));
    }
    if (coming.empty()) coming = search_->Propose(trials, kProposed);
    if (coming.empty()) {
      result_.stopped_by = "space exhausted";
      return {};
    }
    const Configuration configuration = std::move(coming.front());
    coming.erase(coming.begin());
    KOPT_CHECK(Screen(configuration, coming));
  }
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

// The best until one holds; then, while there is time, the next ones, which screening cannot tell from it.
Result<void> Optimizer::ConfirmLeaders() {
  interrupts_.FinishWork();
  int leaders = 0;
  int refuted = 0;
  while (interrupts_.signals < 2 && !TargetReached()) {
    Judged* next = BestPromising();
    if (next == nullptr) break;
    const auto& interval = next->verdict.speedup_interval;
    const double hope = interval ? interval->high : *next->verdict.speedup;
    if (result_.best && (hope <= *result_.best->verdict.speedup || leaders >= kLeaders || !Goes())) break;
    // One confirmation is always made: a run without a proven figure is worth nothing.
    if (!result_.confirmations.empty() && !budget_.RoomToConfirm(confirmation_seconds_)) break;
    if (refuted >= kRefuted) break;
    if (interrupts_.signals == 1) progress_.Line("interrupted: a second signal ends the run at once");
    KOPT_CHECK(Confirm(*next));
    ++leaders;
    const Verdict& last = result_.confirmations.back().verdict;
    refuted = IsFaster(last) ? 0 : refuted + (last.correct() ? 1 : 0);
  }
  return {};
}

Result<Verdict> Optimizer::TryToConfirm(const Configuration& configuration) {
  const double begin = budget_.Active();
  auto verdict = Work("confirm", [&] { return verifier_.Confirm(seed_, configuration, {.seconds = budget_.Left()}); });
  confirmation_seconds_ = budget_.Active() - begin;
  return verdict;
}

Result<void> Optimizer::Confirm(Judged& judged) {
  Show(fmt::format("confirming {}", Text(judged.configuration)));
  progress_.Line(
      fmt::format("confirming {}, screened at {}", Text(judged.configuration), FormatSpeedup(judged.verdict)));
  KOPT_TRY(Verdict verdict, TryToConfirm(judged.configuration));
  // Noise proves nothing, for or against. A second try may overrun the budget only where nothing is proven yet.
  if (verdict.correct() && !verdict.speedup && interrupts_.signals == 0 &&
      (!result_.best || budget_.RoomToConfirm(confirmation_seconds_))) {
    progress_.Line("  the machine was too restless to tell: once more");
    KOPT_TRY(verdict, TryToConfirm(judged.configuration));
  }
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
  }
  result_.confirmations.push_back(std::move(confirmation));
  if (const Judged* winner = Winner(result_.confirmations)) result_.best = *winner;
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
  Status status{
      .doing = std::move(doing), .counts = counts_, .seconds_left = budget_.Left(), .spent = budget_.Active()};
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
  result_.peaks = verifier_.peaks();
  result_.active_seconds = budget_.Active();
  result_.tail_seconds = budget_.tail();
  result_.run = recorder_.run();
  result_.run.outcome = OutcomeOf(result_);
  if (result_.best) result_.manifest = ManifestOf(result_.run, job_.contestants, *result_.best);
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
