// kill -9 at random moments: `kill_resume [KILLS]` (default 100). Runs with a simulated worker are killed and resumed
// until that many kills have hit; then every run is finished, and the state is compared with what the killed processes
// had seen. Exit 1 if a verdict was lost, made twice, or if a budget is wrong.
//
// The simulated worker takes some real milliseconds for each verdict, so that kills fall everywhere: while a run
// begins, while it prepares, while verdicts are made, while they are stored, while it ends. Its clock is virtual: a
// screening takes 1 s of it, a confirmation 6 s, so that the active time of a run follows from its verdicts exactly.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "agent/optimize.h"
#include "agent/results.h"
#include "agent/stored_run.h"
#include "base/files.h"
#include "tests/agent/fake_verifier.h"

namespace kopt {
namespace {

constexpr const char* kSpec = R"spec(kopt = 1
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
constexpr const char* kSeed =
    "//@ tune A = 1 | 2 | 3 | 4 | 5 | 6\n//@ tune B = 1 | 2 | 3 | 4 | 5 | 6\n//@ where A + B < 12\n"
    "//@ call scale args(x, y)\n";
constexpr const char* kBaseline = "//@ call scale args(x, y)\n";
constexpr int kPoints = 35;

// Says in a log, before each verdict, which one it makes: what it said before was stored by then.
class LoggingVerifier final : public FakeVerifier {
 public:
  LoggingVerifier(FakeClock& clock, Interrupts& interrupts, int log) : FakeVerifier(clock, interrupts), log_(log) {}
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override {
    Say("screen " + Text(configuration));
    return FakeVerifier::Screen(candidate, configuration, screening);
  }
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override {
    Say("confirm " + Text(configuration));
    return FakeVerifier::Confirm(candidate, configuration, how);
  }
  void Say(const std::string& line) {
    const std::string text = line + "\n";
    (void)!write(log_, text.data(), text.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

 private:
  int log_;
};

Behaviour Play(const Configuration& configuration) {
  const auto product = static_cast<double>(configuration.at("A") * configuration.at("B"));
  if (configuration.at("A") == 6) return {.outcome = Outcome::kMismatch};
  return {.speedup = 1 + 0.01 * product};
}

// Begins the run, or goes on with it as `kopt resume` does. The process's exit code: 0 at the run's end.
int Work(const std::filesystem::path& folder, const std::string& name, int log) {
  auto store = Store::Open(folder / "state");
  if (!store) return 2;
  auto spec = ParseSpec(kSpec, "scale.spec");
  Job job{.spec = &*spec, .run = name, .out = folder / name, .budget_seconds = 1000, .random_seed = 7};
  job.contestants.seed = *ParseCandidate(*spec, Target::kCpu, kSeed, "scale.cpp");
  job.contestants.baseline = *ParseCandidate(*spec, Target::kCpu, kBaseline, "scale_baseline.cpp");
  StoredRun stored;
  if (auto row = store->FindRun(name); row && row->run == name) {
    if (row->state == "done") return 0;
    if (StateOf(*row) == "running") return 3;
    nlohmann::ordered_json settings = row->settings;
    settings["process"] = ProcessMark();
    row->budget_seconds = job.budget_seconds;
    if (auto claimed = store->ClaimRun(*row, settings); !claimed || !*claimed) return 4;
    auto run = LoadRun(*store, *row, folder / "files");
    if (!run) return 5;
    stored = *std::move(run);
    job.history = History{.row = stored.row,
                          .turns = stored.turns,
                          .exchanges = stored.exchanges,
                          .screened = stored.screened,
                          .confirmations = stored.confirmations};
    job.settings = settings;
  }
  FakeClock clock;
  Interrupts interrupts;
  LoggingVerifier verifier(clock, interrupts, log);
  verifier.behave = Play;
  verifier.Say("start");
  const auto progress = NoProgress();
  const auto result = Optimize(job, verifier, *store, *progress, clock, interrupts);
  return result && !result->failure && result->best ? 0 : 6;
}

struct Tally {
  int kills = 0, lost = 0, twice = 0, wrong_budgets = 0, unfinished = 0, failures = 0, remade = 0;
};

// One process; killed after `microseconds` if that is not negative. True if it reached the end of the run.
bool Once(const std::filesystem::path& folder, const std::string& name, int microseconds, Tally& tally) {
  const int log = open((folder / (name + ".log")).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const pid_t child = fork();
  if (child == 0) _exit(Work(folder, name, log));
  if (microseconds >= 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    kill(child, SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(log);
  if (WIFSIGNALED(status)) ++tally.kills;
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    ++tally.failures;
    fmt::print("{}: a process ended with {}\n", name, WEXITSTATUS(status));
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Compares the state with the log.
void Check(const std::filesystem::path& folder, const std::string& name, Tally& tally) {
  auto store = Store::Open(folder / "state");
  const auto row = store->FindRun(name);
  const auto verdicts = store->Verdicts(name, true);
  if (!row || !verdicts || row->state != "done" || row->outcome != "improved") {
    ++tally.unfinished;
    return;
  }
  std::multiset<std::string> stored;
  double active = 0;
  int screened = 0;
  for (const VerdictRow& verdict : *verdicts) {
    stored.insert((verdict.confirmation ? "confirm " : "screen ") + verdict.configuration);
    screened += verdict.confirmation ? 0 : 1;
    // The seed's defaults are judged while the run prepares: outside the budget.
    if (verdict.at_seconds > 0) active += verdict.confirmation ? 6 : 1;
  }
  if (screened != kPoints) ++tally.lost;
  if (stored.size() != std::set(stored.begin(), stored.end()).size()) ++tally.twice;
  if (std::abs(active - row->active_seconds) > 1e-6) ++tally.wrong_budgets;
  // What a process had gone past was stored: another process must not have made it again.
  std::istringstream log(ReadFile(folder / (name + ".log")).value_or(""));
  std::map<std::string, int> passed;
  std::string before;
  for (std::string line; std::getline(log, line); before = line) {
    if (!before.empty() && before != "start" && line != "start") ++passed[before];
    if (line == "start" && before != "start" && !before.empty())
      ++tally.remade;  // at most: under way when it was killed
  }
  for (const auto& [what, count] : passed) {
    if (count > 1) ++tally.twice;
    if (!stored.contains(what)) ++tally.lost;
  }
}

int Run(int kills) {
  const auto folder = TemporaryFolder::Create("kopt-kill-resume");
  if (!folder) return 2;
  std::mt19937_64 random(20261121);
  Tally tally;
  std::vector<std::string> runs;
  while (tally.kills < kills && tally.failures == 0) {
    runs.push_back(fmt::format("run{}", runs.size()));
    while (tally.kills < kills && tally.failures == 0) {
      const int moment = static_cast<int>(random() % 120000);
      if (Once(folder->path(), runs.back(), moment, tally)) break;
    }
    if (tally.kills == kills) Once(folder->path(), runs.back(), -1, tally);
  }
  for (const std::string& run : runs) Check(folder->path(), run, tally);
  fmt::print("{} kills over {} runs\n", tally.kills, runs.size());
  fmt::print("runs that did not end well          {}\n", tally.unfinished + tally.failures);
  fmt::print("verdicts lost                       {}\n", tally.lost);
  fmt::print("verdicts made twice                 {}\n", tally.twice);
  fmt::print("budgets that are not their verdicts {}\n", tally.wrong_budgets);
  fmt::print("under way when killed, made anew    {} at most\n", tally.remade);
  return tally.unfinished + tally.failures + tally.lost + tally.twice + tally.wrong_budgets == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) { return kopt::Run(argc > 1 ? std::atoi(argv[1]) : 100); }
