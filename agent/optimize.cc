#include "agent/optimize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <memory>
#include <set>
#include <utility>

#include "agent/budget.h"
#include "agent/conversation.h"
#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/manifest.h"
#include "agent/memory.h"
#include "agent/reply.h"
#include "agent/report/report.h"
#include "agent/results.h"
#include "agent/retry.h"
#include "agent/tuner.h"
#include "agent/turn_record.h"
#include "agent/verifier_pool.h"
#include "base/printable.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

std::string WhyNotConfirmed(const Verdict& verdict) {
  if (!verdict.correct() || !verdict.speedup_interval) return Summary(verdict);
  return fmt::format("{}, {}", FormatSpeedup(verdict), Name(Judge(*verdict.speedup_interval)));
}

// How many of the best are confirmed where the budget has room: what leads by screening leads by luck, too.
constexpr int kLeaders = 3;

// The part of the best speedup from which on it is worth knowing what bounds a candidate.
constexpr double kWorthProfiling = 1 / 1.5;

// Confirmations in a row that found nothing faster: then the rest, screened lower, is let be.
constexpr int kRefuted = 5;

// Seconds between two looks at signals and replies while nothing can be begun.
constexpr double kLook = 0.1;

// Replies that are looked at before the budget is.
constexpr int kLooksAtATime = 16;

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

// What a verifier is at.
struct Assignment {
  enum class Kind { kTurn, kTuning, kConfirmation };
  Kind kind = Kind::kTurn;
  int turn = 0;
  Configuration configuration;
  VerifierPool::Work work;
  size_t screened = 0;  // of a confirmation: the place of what is confirmed in OptimizeResult::screened
  bool again = false;   // a confirmation that noise spoilt once
  int attempt = 1;      // kopt itself failed in those before
  bool moved = false;   // it cost a device: it is on another one since
  double begin = 0;     // by the clock
  size_t beside = 0;    // the most that were at work at a time meanwhile, this among them
};

// What a verdict cost, without the time that another kopt had the machine.
double WorkingSeconds(const Verdict& verdict) {
  double seconds = 0;
  for (const auto& [stage, cost] : verdict.stage_seconds) seconds += stage == kWaiting ? 0 : cost;
  return seconds;
}

class Optimizer {
 public:
  Optimizer(const Job& job, std::span<Verifier* const> verifiers, Store& store, Progress& progress, Clock& clock,
            Interrupts& interrupts)
      : job_(job),
        seed_(*job.contestants.seed),
        verifier_(*verifiers.front()),
        store_(store),
        recorder_(store, BeginningOf(job, verifier_.device())),
        progress_(progress),
        clock_(clock),
        interrupts_(interrupts),
        budget_(clock, job.budget_seconds, job.history ? job.history->row.active_seconds : 0),
        tuner_(*job.spec, job.target, verifier_.device().values, job.search, job.random_seed, verifiers.size()),
        at_work_(verifiers.size()),
        pool_(verifiers, clock) {}

  Result<OptimizeResult> Run() {
    // First of all, so that a run that is killed while it prepares is there to be resumed.
    if (!job_.history) KOPT_CHECK(recorder_.Begin(*job_.spec, job_.contestants));
    if (auto prepared = Prepare(); !prepared) return Abandon(prepared.error());
    budget_.Start();
    budget_.KeepForConfirmation(CheckSeconds(result_.screened.front().verdict), LeadersInTurn());
    Announce();
    conversation_->Start();
    if (Goes()) Handle(Search());
    conversation_->Stop();
    if (auto refused = conversation_->Refused()) return Abandon(*refused);
    if (Pauses()) return Pause();
    // What arrived too late to be judged is a turn all the same.
    if (!result_.failure && interrupts_.signals == 0) Handle(TakeReplies());
    if (!result_.failure && interrupts_.signals < 2) Handle(ConfirmLeaders());
    return End();
  }

 private:
  std::unexpected<Error> Abandon(const Error& why) {
    (void)recorder_.Abandon(job_.history ? &job_.history->row : nullptr);  // why it could not begin is what matters
    return std::unexpected(why);
  }
  Result<void> Prepare();
  Result<void> PrepareSeed();
  Result<void> JudgeBaseline();
  Result<void> PrepareConversation();
  Result<void> Recall();
  void Announce();
  void AnnounceAsking();
  Result<void> Search();
  Result<void> KeepBusy();
  Result<bool> Step();
  Result<void> TakeReplies();
  Result<void> LookAt(const ExchangeRow& exchange);
  Result<void> ScreenTurn(const Turn& turn);
  void Tune(const Tuner::Proposal& proposal);
  // Begins a screening; a verifier is idle. `best_of_turn`: the best speedup of the candidate's configurations so far.
  void Screen(Assignment assignment, const Candidate& candidate, double best_of_turn,
              std::span<const Configuration> ahead);

  void Assign(size_t verifier, Assignment assignment);
  // Begins what a device that was left out did not do; false: there is nothing of that, or no verifier is idle.
  bool TakeOver();
  // Until a verifier is idle, and until all are.
  Result<void> AwaitIdle();
  Result<void> Drain();
  // After an error: what is at work is waited for, and nothing is begun.
  void Stop();
  Result<void> Settle(VerifierPool::Done done);
  Result<void> Failed(size_t verifier, Assignment assignment, const Error& error);
  Result<void> TurnJudged(Judged judged);
  Result<void> Tuned(Judged judged);
  Result<void> Screened(Judged judged);
  Result<void> Confirmed(size_t verifier, Assignment assignment, Verdict verdict, double seconds);

  Result<void> ConfirmLeaders();
  Result<void> ConfirmAlone(size_t screened);
  void Confirm(size_t verifier, size_t screened);
  // What is confirmed next, by its place in OptimizeResult::screened; `leaders`: those before it, `refuted`: in a row.
  std::optional<size_t> NextLeader(int leaders, int refuted) const;
  std::optional<size_t> BestPromising() const;
  bool IsBeingConfirmed(size_t screened) const;
  bool Pauses() const;
  Result<OptimizeResult> Pause();
  Result<OptimizeResult> End();
  void Gather();

  bool Goes() const { return !result_.failure && interrupts_.signals == 0; }
  bool ReachesSpeedup(const Verdict& verdict) const {
    return job_.target_speedup && verdict.speedup.value_or(0) >= *job_.target_speedup;
  }
  bool ReachesSpeedOfLight(const Verdict& verdict) const {
    return job_.target_sol && verdict.sol_fraction.value_or(0) >= *job_.target_sol;
  }
  bool Reaches(const Verdict& verdict) const { return ReachesSpeedup(verdict) || ReachesSpeedOfLight(verdict); }
  bool TargetReached() const { return result_.best && Reaches(result_.best->verdict); }
  // Notes why the search ends; true if it does.
  bool SearchEnds();
  // What a screening is expected to take, seconds.
  double ScreeningSeconds() const { return screenings_ == 0 ? 0 : screening_seconds_ / screenings_; }
  void Handle(const Result<void>& done);
  void Show(std::string doing);
  // "turn 3 with BM=64"; without a model the configuration alone.
  std::string NameOf(int turn, const Configuration& configuration) const;
  // Active time, for a verdict: it never goes back, although a wait of another device is known only when that is done.
  double Moment() { return moment_ = std::max(moment_, budget_.Active()); }
  bool HasSeveral() const { return pool_.size() > 1; }
  // How many leaders are confirmed one after the other.
  int LeadersInTurn() const {
    const auto verifiers = static_cast<int>(std::min<size_t>(pool_.size(), kLeaders));
    return (kLeaders + verifiers - 1) / verifiers;
  }

  const Job& job_;
  const Candidate& seed_;
  Verifier& verifier_;
  Store& store_;
  Recorder recorder_;
  Progress& progress_;
  Clock& clock_;
  Interrupts& interrupts_;
  Budget budget_;
  Tuner tuner_;
  std::deque<int> unjudged_;  // turns
  OptimizeResult result_;
  OutcomeCounts counts_;
  std::vector<std::optional<Assignment>> at_work_;  // by verifier
  std::deque<Assignment> again_;                    // whose device was left out
  bool stops_ = false;
  double best_screened_ = 0;                   // speedup; 0: none
  std::atomic<double> screening_seconds_ = 0;  // of all screenings within the budget
  std::atomic<int> screenings_ = 0;
  double confirmation_seconds_ = 0;  // of the last one
  double moment_ = 0;
  double tuned_from_ = 0;  // active time when the last reply had been judged
  std::unique_ptr<Conversation> conversation_;
  VerifierPool pool_;  // last: it ends first, with whatever is at work
};

Result<void> Optimizer::Prepare() {
  const double begin = clock_.Now();
  KOPT_CHECK(tuner_.Add(0, seed_));
  KOPT_CHECK(PrepareConversation());
  const Space& space = *tuner_.SpaceOf(0);
  result_.space = space.size();
  if (space.extent() == Space::Extent::kListed) result_.admissible = space.points().size();
  progress_.Line("checking the spec's power against wrong answers");
  KOPT_TRY(result_.registration, WithRetries([&] { return verifier_.Register(); }));
  progress_.Line(fmt::format("judging the baseline: {}", job_.contestants.BaselineText()));
  KOPT_CHECK(JudgeBaseline());
  KOPT_CHECK(Recall());
  if (result_.screened.empty()) KOPT_CHECK(PrepareSeed());
  result_.preparation_seconds = clock_.Now() - begin;
  return {};
}

// On every device, at the same time.
Result<void> Optimizer::JudgeBaseline() {
  for (size_t i = 0; i < pool_.size(); ++i) {
    pool_.Start(i, [this](Verifier& verifier) { return EstablishBaseline(verifier, job_.contestants); });
  }
  std::vector<Verdict> verdicts(pool_.size());
  std::optional<Error> failed;
  while (pool_.at_work() > 0) {
    auto [verifier, verdict, at] = *pool_.Await();
    const std::string& which = pool_.At(verifier).device().which;
    if (verdict) {
      verdicts[verifier] = *std::move(verdict);
      if (HasSeveral()) verdicts[verifier].evidence["device"] = which;
    } else if (!failed) {
      failed = std::move(verdict).error();
      if (HasSeveral() && failed->exit != Exit::kInterrupted)
        failed->message = fmt::format("on device {}: {}", which, failed->message);
    }
  }
  if (failed) return std::unexpected(*std::move(failed));
  for (const Verdict& verdict : verdicts) {
    auto baseline = verdict.Json();
    baseline.erase("kopt");
    KOPT_CHECK(recorder_.Event("baseline", baseline));
  }
  result_.baseline = std::move(verdicts.front());
  return {};
}

Result<void> Optimizer::PrepareConversation() {
  Memory memory(*job_.spec, job_.target, verifier_.device(), verifier_.peaks(), job_.asking);
  if (job_.asking.Asks()) KOPT_CHECK(memory.Write(1, std::nullopt));  // the task alone may be more than fits
  conversation_ = std::make_unique<Conversation>(
      job_.model,
      Conversation::Options{.asking = job_.asking,
                            .prices = job_.prices,
                            .run = recorder_.run().run,
                            .active = [this] { return budget_.Active(); },
                            .seconds_left = [this] { return budget_.Left() - budget_.tail() - ScreeningSeconds(); },
                            .budget_seconds = job_.budget_seconds},
      std::move(memory), store_, clock_);
  const auto [seed, added] = result_.turns.emplace(0, SeedTurn(seed_));
  conversation_->Add(seed->second);
  return {};
}

// What a resumed run has behind it.
Result<void> Optimizer::Recall() {
  if (!job_.history) return {};
  for (const auto& [number, turn] : job_.history->turns) {
    const auto [at, added] = result_.turns.emplace(number, turn);
    if (!added) continue;
    conversation_->Add(at->second);
    if (at->second.candidate && at->second.IsJudged()) (void)tuner_.Add(number, *at->second.candidate);
  }
  for (const auto& [number, turn] : result_.turns) result_.recalled_turns.insert(number);
  result_.screened = job_.history->screened;
  result_.recalled = result_.screened.size();
  result_.confirmations = job_.history->confirmations;
  counts_ = CountOutcomes(result_.screened);
  std::set<int> judged_turns;
  for (const Judged& judged : result_.screened) {
    best_screened_ = std::max(best_screened_, judged.verdict.speedup.value_or(0));
    screening_seconds_ = screening_seconds_ + WorkingSeconds(judged.verdict);
    ++screenings_;
    judged_turns.insert(judged.turn);
    tuner_.Learn(judged);
    conversation_->Learn(judged, false);
  }
  for (const Judged& judged : result_.confirmations) conversation_->Learn(judged, true);
  for (const auto& [number, turn] : result_.turns) {
    if (number > 0 && turn.IsJudged() && !judged_turns.contains(number)) unjudged_.push_back(number);
  }
  if (!result_.confirmations.empty()) confirmation_seconds_ = WorkingSeconds(result_.confirmations.back().verdict);
  if (const Judged* winner = Winner(result_.confirmations)) result_.best = *winner;
  return conversation_->Recall(job_.history->exchanges, static_cast<int>(unjudged_.size()));
}

Result<void> Optimizer::PrepareSeed() {
  Judged first{.configuration = DefaultConfiguration(seed_), .verdict = result_.baseline};
  if (!job_.contestants.SeedIsBaseline()) {
    progress_.Line(fmt::format("judging the seed: {}", seed_.file));
    const Screening screening{.profile_from = job_.asking.Asks() ? 0 : kNoLimit};
    KOPT_TRY(first.verdict, WithRetries([&] { return verifier_.Screen(seed_, first.configuration, screening); }));
    KOPT_CHECK(MustBeMeasured(first.verdict, "the seed", seed_));
  } else if (job_.asking.Asks()) {
    KOPT_CHECK(verifier_.ProfileBaseline(result_.baseline));
    first.verdict = result_.baseline;
  }
  counts_[first.verdict.outcome] = 1;
  best_screened_ = first.verdict.speedup.value_or(0);
  KOPT_CHECK(recorder_.Add(first, false));
  tuner_.Learn(first);
  conversation_->Learn(first, false);
  result_.screened.push_back(std::move(first));
  return {};
}

void Optimizer::Announce() {
  const Judged& first = result_.screened.front();
  progress_.Line(
      fmt::format("the baseline takes {}; the seed's defaults reach {}", FormatMicroseconds(result_.baseline.time_us),
                  job_.contestants.SeedIsBaseline() ? "1x, they are the baseline" : FormatSpeedup(first.verdict)));
  if (job_.history) {
    progress_.Line(
        fmt::format("resuming after {} of active time: {}", FormatDuration(budget_.Active()), Text(counts_)));
  }
  if (job_.asking.Asks()) return AnnounceAsking();
  if (result_.space == 1) {
    progress_.Line("the seed has no tunables: there is nothing to search");
    return;
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

// Who is asked, and what that may come to.
void Optimizer::AnnounceAsking() {
  const Asking& asking = job_.asking;
  if (asking.models.empty()) return;
  const double left = std::max(budget_.Left() - budget_.tail(), 0.0);
  std::string text = fmt::format("asking {}, up to {} at a time", fmt::join(asking.models, ", "), asking.in_flight);
  if (std::isfinite(left)) text += fmt::format(", for {}", FormatDuration(left));
  if (asking.budget_tokens) {
    text += fmt::format(", for {} tokens", FormatCount(static_cast<double>(*asking.budget_tokens)));
  }
  if (asking.budget_usd) text += fmt::format(", for ${:.2f}", *asking.budget_usd);
  progress_.Line(text);
  if (const auto forecast = conversation_->FirstForecast(left)) progress_.Line("expected: " + *forecast);
}

bool Optimizer::SearchEnds() {
  if (interrupts_.signals > 0) {
    result_.stopped_by = "interrupted";
  } else if (TargetReached()) {
    result_.stopped_by = ReachesSpeedup(result_.best->verdict) ? "target speedup" : "target speed of light";
  } else if (!budget_.RoomToSearch(ScreeningSeconds())) {
    result_.stopped_by = "budget";
  }
  return !result_.stopped_by.empty();
}

// What is at work when the search ends is waited for.
Result<void> Optimizer::Search() {
  tuned_from_ = budget_.Active();
  const Result<void> searched = KeepBusy();
  if (!searched) Stop();
  const Result<void> drained = Drain();
  return searched ? drained : searched;
}

Result<void> Optimizer::KeepBusy() {
  while (!SearchEnds()) {
    if (auto failure = conversation_->Failure()) return std::unexpected(*failure);
    if (conversation_->Refused()) return {};
    KOPT_TRY(const bool goes_on, Step());
    if (!goes_on) return {};
  }
  return {};
}

// Gives an idle verifier something to do, and waits until one is idle again. What a reply proposes goes first; while
// none is there, configurations are tried. False: there is nothing left to do.
Result<bool> Optimizer::Step() {
  KOPT_CHECK(TakeReplies());
  if (TakeOver()) {
    KOPT_CHECK(AwaitIdle());
    return true;
  }
  if (!unjudged_.empty()) {
    const int turn = unjudged_.front();
    unjudged_.pop_front();
    KOPT_CHECK(ScreenTurn(result_.turns.at(turn)));
    KOPT_CHECK(AwaitIdle());
    return true;
  }
  const bool over_now = conversation_->Over() && !conversation_->Arrived();
  const std::string over = over_now ? conversation_->WhyOver() : "";
  // Tuning costs neither tokens nor money: only time can end it.
  if (!over.empty() && std::isinf(job_.budget_seconds)) {
    result_.stopped_by = over;
    return false;
  }
  const bool tunes = !job_.pause_after || budget_.Active() - tuned_from_ < *job_.pause_after;
  if (const auto proposal = tunes ? tuner_.Next() : std::nullopt) {
    Tune(*proposal);
    KOPT_CHECK(AwaitIdle());
    return true;
  }
  if (pool_.at_work() > 0) {  // there may be more to try when it is known what comes of that
    if (auto done = pool_.Await(kLook)) KOPT_CHECK(Settle(*std::move(done)));
    return true;
  }
  if (job_.pause_after) {
    result_.stopped_by = "waiting";
    return false;
  }
  if (over_now) {
    result_.stopped_by = over.empty() ? "space exhausted" : over;
    return false;
  }
  const int in_flight = conversation_->in_flight();
  Show(in_flight == 0 ? "waiting until a model may be asked again"
                      : fmt::format("waiting for {} {}", in_flight, in_flight == 1 ? "reply" : "replies"));
  conversation_->Wait(kLook);
  return true;
}

Result<void> Optimizer::TakeReplies() {
  for (int i = 0; i < kLooksAtATime; ++i) {
    const auto exchange = conversation_->Take();
    if (!exchange) break;
    KOPT_CHECK(LookAt(*exchange));
  }
  for (const std::string& news : conversation_->News()) {
    const std::string after = FormatDuration(budget_.Active());
    progress_.Line(fmt::format("{:>9}  {}", after, Printable(news)));
    result_.remarks.push_back(fmt::format("after {}: {}", after, Printable(news)));
  }
  return {};
}

Result<void> Optimizer::LookAt(const ExchangeRow& exchange) {
  const std::string reasoning = DetailText(exchange, "reasoning");
  const auto found = FindCandidate(exchange.reply, reasoning, job_.target);
  nlohmann::ordered_json detail = nlohmann::ordered_json::object();
  Turn turn =
      found ? TurnOf(exchange.turn, found->code, *job_.spec, job_.target) : ComplaintTurn(exchange.turn, found.error());
  if (!found) detail["complaint"] = turn.complaint;
  if (found && !found->notes.empty()) detail["notes"] = found->notes;
  turn.duplicate_of = found ? conversation_->SameCode(turn.code_hash) : std::nullopt;
  if (turn.duplicate_of) detail["duplicate_of"] = *turn.duplicate_of;
  KOPT_TRY(const bool first, recorder_.LookedAt(turn, detail));
  const auto [at, added] = result_.turns.emplace(turn.number, std::move(turn));
  if (!first || !added) {
    conversation_->NothingNew(exchange.turn);
    return {};
  }
  const Turn& kept = at->second;
  conversation_->Add(kept);
  if (kept.IsJudged()) {
    unjudged_.push_back(kept.number);
    return {};
  }
  conversation_->NothingNew(kept.number);
  progress_.Line(fmt::format("{:>9}  turn {}: {}", FormatDuration(budget_.Active()), kept.number,
                             kept.duplicate_of ? fmt::format("the code of turn {} again", *kept.duplicate_of)
                                               : "no candidate: " + Printable(kept.complaint)));
  return {};
}

// A turn's candidate with its default tunables.
Result<void> Optimizer::ScreenTurn(const Turn& turn) {
  Judged judged{.turn = turn.number};
  if (!turn.candidate) {
    judged.verdict = RejectedPlan(*turn.broken);
  } else if (auto added = tuner_.Add(turn.number, *turn.candidate); !added) {
    judged.verdict = RejectedPlan(added.error());
  } else {
    Screen({.turn = turn.number, .configuration = DefaultConfiguration(*turn.candidate)}, *turn.candidate, 0, {});
    return {};
  }
  return TurnJudged(std::move(judged));
}

void Optimizer::Tune(const Tuner::Proposal& proposal) {
  const Candidate& candidate = *result_.turns.at(proposal.turn).candidate;
  Show("testing " + NameOf(proposal.turn, proposal.configuration));
  Screen({.kind = Assignment::Kind::kTuning, .turn = proposal.turn, .configuration = proposal.configuration}, candidate,
         tuner_.BestOf(proposal.turn), proposal.ahead);
}

void Optimizer::Screen(Assignment assignment, const Candidate& candidate, double best_of_turn,
                       std::span<const Configuration> ahead) {
  assignment.begin = clock_.Now();
  std::vector<Contender> next;
  for (const int turn : unjudged_) {
    const Turn& waiting = result_.turns.at(turn);
    if (waiting.candidate) next.push_back({&*waiting.candidate, DefaultConfiguration(*waiting.candidate)});
  }
  for (const Configuration& later : ahead) next.push_back({&candidate, later});
  // A prompt shows the best configuration of a turn, and why it is not faster.
  const double best = job_.contestants.SeedIsBaseline() ? std::max(best_screened_, 1.0) : best_screened_;
  const double profile_from = job_.asking.Asks() ? std::max(best * kWorthProfiling, best_of_turn) : kNoLimit;
  assignment.work = [&candidate, configuration = assignment.configuration, incumbent = best_screened_, profile_from,
                     next = std::move(next)](Verifier& verifier) {
    return verifier.Screen(candidate, configuration,
                           {.incumbent = incumbent, .profile_from = profile_from, .ahead = next});
  };
  Assign(*pool_.Idle(), std::move(assignment));
}

void Optimizer::Assign(size_t verifier, Assignment assignment) {
  const VerifierPool::Work work = assignment.work;
  at_work_[verifier] = std::move(assignment);
  const size_t beside = pool_.at_work() + 1;
  for (auto& other : at_work_) {
    if (other) other->beside = std::max(other->beside, beside);
  }
  pool_.Start(verifier, work);
}

bool Optimizer::TakeOver() {
  const auto idle = pool_.Idle();
  if (!idle || again_.empty()) return false;
  Assignment assignment = std::move(again_.front());
  again_.pop_front();
  Assign(*idle, std::move(assignment));
  return true;
}

Result<void> Optimizer::AwaitIdle() {
  while (!pool_.Idle()) KOPT_CHECK(Settle(*pool_.Await()));
  return {};
}

// The first error; after one nothing is begun.
Result<void> Optimizer::Drain() {
  Result<void> all;
  while (pool_.at_work() > 0 || !again_.empty()) {
    if (TakeOver()) continue;
    auto settled = Settle(*pool_.Await());
    if (!settled) Stop();
    if (all) all = std::move(settled);
  }
  return all;
}

void Optimizer::Stop() {
  stops_ = true;
  again_.clear();
}

Result<void> Optimizer::Settle(VerifierPool::Done done) {
  Assignment assignment = *std::exchange(at_work_[done.verifier], std::nullopt);
  if (!done.verdict) return Failed(done.verifier, std::move(assignment), done.verdict.error());
  Verdict& verdict = *done.verdict;
  if (HasSeveral()) verdict.evidence["device"] = pool_.At(done.verifier).device().which;
  const double waiting = WaitingSeconds(verdict);
  // While one of several waits for another kopt, the others work: only its share of the time is not spent.
  budget_.Waited(waiting / static_cast<double>(assignment.beside));
  const double seconds = done.at - assignment.begin - waiting;
  if (assignment.kind == Assignment::Kind::kConfirmation) {
    return Confirmed(done.verifier, std::move(assignment), std::move(verdict), seconds);
  }
  screening_seconds_ = screening_seconds_ + seconds;
  ++screenings_;
  Judged judged{
      .turn = assignment.turn, .configuration = std::move(assignment.configuration), .verdict = std::move(verdict)};
  return assignment.kind == Assignment::Kind::kTurn ? TurnJudged(std::move(judged)) : Tuned(std::move(judged));
}

// A failure of kopt itself is no verdict: the work is done again, twice at most. Where that does not help, or the
// device cannot do it, another one has to. What fails there too is no fault of a device: it costs no second one.
Result<void> Optimizer::Failed(size_t verifier, Assignment assignment, const Error& error) {
  const bool ours = error.exit == Exit::kInternal;
  const bool once_more = ours && assignment.attempt < kAttempts;
  const bool elsewhere = (ours || error.exit == Exit::kEnvironment) && pool_.in_use() > 1 && !assignment.moved;
  if (stops_ || (!once_more && !elsewhere)) return std::unexpected(error);
  const std::string& which = pool_.At(verifier).device().which;
  const bool confirms = assignment.kind == Assignment::Kind::kConfirmation;
  nlohmann::ordered_json event = {
      {"work", confirms ? "confirm" : "screen"}, {"message", error.Text()}, {"log", Printable(error.log)}};
  if (HasSeveral()) event["device"] = which;
  // The run goes on; if the store is what fails, the next verdict says so.
  (void)recorder_.Event(once_more ? "fault" : "device left out", event);
  if (once_more) {
    progress_.Line(fmt::format("a failure of kopt itself, trying again: {}", error.Text()));
    ++assignment.attempt;
    Assign(verifier, std::move(assignment));
    return {};
  }
  pool_.LeaveOut(verifier);
  const std::string news = fmt::format("device {} is left out from here on: {}", which, error.Text());
  progress_.Line(news);
  result_.lost_devices.push_back(news);
  assignment.attempt = 1;
  assignment.moved = true;
  again_.push_back(std::move(assignment));
  return {};
}

Result<void> Optimizer::TurnJudged(Judged judged) {
  const int turn = judged.turn;
  progress_.Line(fmt::format("{:>9}  turn {}: {}{}", FormatDuration(budget_.Active()), turn, Summary(judged.verdict),
                             judged.verdict.speedup ? ", " + FormatSpeedup(judged.verdict) : ""));
  KOPT_CHECK(Screened(std::move(judged)));
  conversation_->WasJudged(turn);
  tuned_from_ = budget_.Active();
  return {};
}

Result<void> Optimizer::Tuned(Judged judged) {
  const double speedup = judged.verdict.speedup.value_or(0);
  if (speedup > best_screened_ && speedup > 1) {
    progress_.Line(fmt::format("{:>9}  {}  {}", FormatDuration(budget_.Active()), FormatSpeedup(judged.verdict),
                               NameOf(judged.turn, judged.configuration)));
  }
  return Screened(std::move(judged));
}

Result<void> Optimizer::Screened(Judged screened) {
  screened.at_seconds = Moment();
  ++counts_[screened.verdict.outcome];
  const size_t place = result_.screened.size();
  result_.screened.push_back(std::move(screened));
  const Judged& judged = result_.screened.back();
  KOPT_CHECK(recorder_.Add(judged, false));
  tuner_.Learn(judged);
  conversation_->Learn(judged, false);
  best_screened_ = std::max(best_screened_, judged.verdict.speedup.value_or(0));
  if (!stops_ && Reaches(judged.verdict) && IsPromising(judged)) KOPT_CHECK(ConfirmAlone(place));
  return {};
}

bool Optimizer::IsBeingConfirmed(size_t screened) const {
  return std::ranges::any_of(at_work_, [&](const auto& assignment) {
    return assignment && assignment->kind == Assignment::Kind::kConfirmation && assignment->screened == screened;
  });
}

std::optional<size_t> Optimizer::BestPromising() const {
  std::optional<size_t> best;
  for (size_t i = 0; i < result_.screened.size(); ++i) {
    const Judged& judged = result_.screened[i];
    if (!IsPromising(judged) || IsBeingConfirmed(i)) continue;
    if (!best || *judged.verdict.speedup > *result_.screened[*best].verdict.speedup) best = i;
  }
  return best;
}

// The best until one holds; then, while there is time, the next ones, which screening cannot tell from it. Of those
// that are being confirmed it is expected that they hold.
std::optional<size_t> Optimizer::NextLeader(int leaders, int refuted) const {
  if (interrupts_.signals > 1 || TargetReached()) return std::nullopt;
  const auto next = BestPromising();
  if (!next) return std::nullopt;
  double holds = result_.best ? *result_.best->verdict.speedup : 0;
  int at_work = 0;
  for (const auto& assignment : at_work_) {
    if (!assignment) continue;
    holds = std::max(holds, *result_.screened[assignment->screened].verdict.speedup);
    ++at_work;
  }
  const Verdict& verdict = result_.screened[*next].verdict;
  const double hope = verdict.speedup_interval ? verdict.speedup_interval->high : *verdict.speedup;
  const bool others = at_work > 0 || !result_.confirmations.empty();
  if (holds > 0 && (hope <= holds || leaders >= kLeaders || !Goes())) return std::nullopt;
  // One confirmation is always made: a run without a proven figure is worth nothing.
  if (others && !budget_.RoomToConfirm(confirmation_seconds_)) return std::nullopt;
  if (refuted + at_work >= kRefuted) return std::nullopt;
  return next;
}

Result<void> Optimizer::ConfirmLeaders() {
  interrupts_.FinishWork();
  stops_ = false;  // an interruption ends the search only
  int leaders = 0;
  int refuted = 0;
  Result<void> all;
  while (all) {
    for (auto idle = pool_.Idle(); idle && again_.empty(); idle = pool_.Idle()) {
      const auto next = NextLeader(leaders, refuted);
      if (!next) break;
      if (interrupts_.signals == 1) progress_.Line("interrupted: a second signal ends the run at once");
      Confirm(*idle, *next);
      ++leaders;
    }
    (void)TakeOver();
    if (pool_.at_work() == 0) return {};
    const size_t before = result_.confirmations.size();
    all = Settle(*pool_.Await());
    if (result_.confirmations.size() == before) continue;
    const Verdict& last = result_.confirmations.back().verdict;
    refuted = IsFaster(last) ? 0 : refuted + (last.correct() ? 1 : 0);
  }
  Stop();
  (void)Drain();  // what came first is what is told
  return all;
}

// While nothing else is on any device.
Result<void> Optimizer::ConfirmAlone(size_t screened) {
  KOPT_CHECK(Drain());
  if (TargetReached()) return {};
  Confirm(*pool_.Idle(), screened);
  return Drain();
}

void Optimizer::Confirm(size_t verifier, size_t screened) {
  const Judged& judged = result_.screened[screened];
  const std::string name = NameOf(judged.turn, judged.configuration);
  Show("confirming " + name);
  progress_.Line(fmt::format("confirming {}, screened at {}", name, FormatSpeedup(judged.verdict)));
  Assignment assignment{.kind = Assignment::Kind::kConfirmation,
                        .turn = judged.turn,
                        .configuration = judged.configuration,
                        .screened = screened,
                        .begin = clock_.Now()};
  assignment.work = [this, &candidate = CandidateOf(result_, judged),
                     configuration = judged.configuration](Verifier& chosen) {
    return chosen.Confirm(candidate, configuration, {.seconds = budget_.Left()});
  };
  Assign(verifier, std::move(assignment));
}

Result<void> Optimizer::Confirmed(size_t verifier, Assignment assignment, Verdict verdict, double seconds) {
  confirmation_seconds_ = seconds;
  // Noise proves nothing, for or against. A second try may overrun the budget only where nothing is proven yet.
  if (verdict.correct() && !verdict.speedup && !assignment.again && interrupts_.signals == 0 &&
      (!result_.best || budget_.RoomToConfirm(confirmation_seconds_))) {
    progress_.Line("  the machine was too restless to tell: once more");
    assignment.again = true;
    assignment.attempt = 1;
    assignment.begin = clock_.Now();
    Assign(verifier, std::move(assignment));
    return {};
  }
  result_.screened[assignment.screened].confirmed = true;
  Judged confirmation{.turn = assignment.turn,
                      .configuration = std::move(assignment.configuration),
                      .verdict = std::move(verdict),
                      .at_seconds = Moment(),
                      .confirmed = true};
  KOPT_CHECK(recorder_.Add(confirmation, true));
  conversation_->Learn(confirmation, true);
  const std::string name = HasSeveral() ? NameOf(confirmation.turn, confirmation.configuration) + " " : "";
  if (!IsFaster(confirmation.verdict)) {
    progress_.Line(fmt::format("  {}not confirmed: {}", name, WhyNotConfirmed(confirmation.verdict)));
  } else {
    progress_.Line(fmt::format("  {}confirmed: {}", name, FormatSpeedup(confirmation.verdict)));
  }
  result_.confirmations.push_back(std::move(confirmation));
  if (const Judged* winner = Winner(result_.confirmations)) result_.best = *winner;
  return {};
}

void Optimizer::Show(std::string doing) {
  Status status{
      .doing = std::move(doing), .counts = counts_, .seconds_left = budget_.Left(), .spent = budget_.Active()};
  if (best_screened_ > 0) status.best = best_screened_;
  if (result_.best) status.best = result_.best->verdict.speedup;
  if (job_.model != nullptr) {
    const Spend spend = conversation_->spend();
    status.asked = Text(spend);
    if (auto forecast = ForecastOf(spend, budget_.Left() - budget_.tail(), job_.asking.in_flight)) {
      status.asked += " (by the end " + Text(*forecast) + ")";
    }
  }
  progress_.Show(status);
}

std::string Optimizer::NameOf(int turn, const Configuration& configuration) const {
  if (!job_.asking.Asks()) return Text(configuration);
  return fmt::format("turn {}{}", turn, configuration.empty() ? "" : " with " + Text(configuration));
}

bool Optimizer::Pauses() const {
  return job_.pause_after && !result_.failure &&
         (result_.stopped_by == "waiting" || result_.stopped_by == "interrupted" || interrupts_.signals > 0);
}

Result<OptimizeResult> Optimizer::Pause() {
  progress_.End();
  Gather();
  result_.interrupted = interrupts_.signals > 0;
  KOPT_CHECK(recorder_.End("waiting", "", result_.active_seconds, nullptr));
  result_.run = recorder_.run();
  return std::move(result_);
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

// What the results say beside the verdicts.
void Optimizer::Gather() {
  result_.device = verifier_.device();
  for (size_t i = 0; HasSeveral() && i < pool_.size(); ++i) result_.devices.push_back(pool_.At(i).device().which);
  result_.peaks = verifier_.peaks();
  for (size_t i = 1; i < pool_.size(); ++i) Raise(result_.peaks, pool_.At(i).peaks());
  result_.active_seconds = budget_.Active();
  result_.tail_seconds = budget_.tail();
  result_.run = recorder_.run();
  result_.spend = conversation_->spend();
  if (auto exchanges = store_.Exchanges(result_.run.run)) result_.exchanges = *std::move(exchanges);
}

Result<OptimizeResult> Optimizer::End() {
  interrupts_.finish_work = false;
  progress_.End();
  result_.interrupted = result_.interrupted || interrupts_.signals > 0;
  if (result_.interrupted && !result_.failure) result_.stopped_by = "interrupted";
  Gather();
  result_.run.outcome = OutcomeOf(result_);
  if (result_.best) {
    const Candidate& candidate = CandidateOf(result_, *result_.best);
    result_.manifest = ManifestOf(result_.run, job_.contestants, candidate, *result_.best);
  }
  result_.document = ResultDocument(job_, result_);
  const auto written = WriteResults(job_, result_, store_);
  const bool whole = !result_.interrupted && !result_.failure && written;
  const auto stored =
      recorder_.End(whole ? "done" : "interrupted", result_.run.outcome, result_.active_seconds, result_.document);
  result_.run = recorder_.run();
  if (!result_.failure && !written) result_.failure = written.error();
  if (!result_.failure && !stored) result_.failure = stored.error();
  return std::move(result_);
}

}  // namespace

const Candidate& CandidateOf(const OptimizeResult& result, const Judged& judged) {
  return *result.turns.at(judged.turn).candidate;
}

void Raise(Peaks& peaks, const Peaks& others) {
  peaks.read_bytes = std::max(peaks.read_bytes, others.read_bytes);
  peaks.write_bytes = std::max(peaks.write_bytes, others.write_bytes);
  peaks.copy_bytes = std::max(peaks.copy_bytes, others.copy_bytes);
  for (auto& [unit, rate] : peaks.flops) rate = std::max(rate, others.Flops(unit));
}

OutcomeCounts CountOutcomes(const std::vector<Judged>& screened) {
  OutcomeCounts counts;
  for (const Judged& judged : screened) ++counts[judged.verdict.outcome];
  return counts;
}

Result<OptimizeResult> Optimize(const Job& job, std::span<Verifier* const> verifiers, Store& store, Progress& progress,
                                Clock& clock, Interrupts& interrupts) {
  auto result = Optimizer(job, verifiers, store, progress, clock, interrupts).Run();
  progress.End();
  return result;
}

Result<OptimizeResult> Optimize(const Job& job, Verifier& verifier, Store& store, Progress& progress, Clock& clock,
                                Interrupts& interrupts) {
  Verifier* const one = &verifier;
  return Optimize(job, {&one, 1}, store, progress, clock, interrupts);
}

}  // namespace kopt
