// kill -9 at random moments: `kill_resume [KILLS]` (default 100). Runs with a simulated worker are killed and resumed
// until that many kills have hit; then every run is finished, and the state is compared with what the killed processes
// had seen. Exit 1 if a verdict was lost, made twice, or if a budget is wrong.
//
// The simulated worker takes some real milliseconds for each verdict, so that kills fall everywhere: while a run
// begins, while it prepares, while verdicts are made, while they are stored, while it ends. Its clock is virtual: a
// screening takes 1 s of it, a confirmation 6 s, so that the active time of a run follows from its verdicts exactly.
#include <fmt/format.h>

#include <cmath>
#include <string>

#include "base/files.h"
#include "bench/killed_runs.h"

namespace kopt {
namespace {

constexpr double kLongestLife = 0.12;  // seconds, of a process that is killed

Behaviour Play(const Candidate&, const Configuration& configuration) {
  const auto product = static_cast<double>(configuration.at("A") * configuration.at("B"));
  if (configuration.at("A") == 6) return {.outcome = Outcome::kMismatch};
  return {.speedup = 1 + 0.01 * product};
}

int Work(const std::filesystem::path& folder, const std::string& name) {
  FakeClock clock;
  const KillLog log(folder / (name + ".log"));
  return BeginOrResume(folder, name, {.clock = &clock, .play = Play}, log);
}

struct Tally {
  VerdictTally verdicts;
  int wrong_budgets = 0, unfinished = 0;
};

void Check(const std::filesystem::path& folder, const std::string& name, Tally& tally) {
  auto store = Store::Open(folder / "state");
  const auto row = store->FindRun(name);
  const auto verdicts = store->Verdicts(name);
  if (!row || !verdicts || row->state != "done" || row->outcome != "improved") {
    ++tally.unfinished;
    return;
  }
  double active = 0;
  int screened = 0;
  for (const VerdictRow& verdict : *verdicts) {
    screened += verdict.confirmation ? 0 : 1;
    // The seed's defaults are judged while the run prepares: outside the budget.
    if (verdict.at_seconds > 0) active += verdict.confirmation ? 6 : 1;
  }
  if (screened != kScalePoints) ++tally.verdicts.lost;
  if (std::abs(active - row->active_seconds) > 1e-6) ++tally.wrong_budgets;
  Compare(*verdicts, folder / (name + ".log"), tally.verdicts);
}

int Run(int kills) {
  const auto folder = TemporaryFolder::Create("kopt-kill-resume");
  if (!folder) return 2;
  const KilledRuns runs =
      KillAndResume(kills, kLongestLife, [&](const std::string& name) { return Work(folder->path(), name); });
  Tally tally;
  for (const std::string& name : runs.names) Check(folder->path(), name, tally);
  const VerdictTally& verdicts = tally.verdicts;
  fmt::print("{} kills over {} runs\n", runs.kills, runs.names.size());
  fmt::print("runs that did not end well          {}\n", tally.unfinished + runs.failures);
  fmt::print("verdicts lost                       {}\n", verdicts.lost);
  fmt::print("verdicts made twice                 {}\n", verdicts.twice);
  fmt::print("budgets that are not their verdicts {}\n", tally.wrong_budgets);
  fmt::print("under way when killed, made anew    {} at most\n", verdicts.remade);
  return tally.unfinished + runs.failures + verdicts.lost + verdicts.twice + tally.wrong_budgets == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) { return kopt::Run(argc > 1 ? std::atoi(argv[1]) : 100); }
