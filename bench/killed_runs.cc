#include "bench/killed_runs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "agent/stored_run.h"
#include "base/files.h"

namespace kopt {
namespace {

class LoggingVerifier final : public ScriptedVerifier {
 public:
  LoggingVerifier(FakeClock& clock, Interrupts& interrupts, const KillLog& log)
      : ScriptedVerifier(clock, interrupts), log_(log) {}
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override {
    Say("screen " + candidate.file + " " + Text(configuration));
    return ScriptedVerifier::Screen(candidate, configuration, screening);
  }
  Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                          const Confirmation& how) override {
    Say("confirm " + candidate.file + " " + Text(configuration));
    return ScriptedVerifier::Confirm(candidate, configuration, how);
  }
  void Say(const std::string& line) {
    log_.Say(line);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

 private:
  const KillLog& log_;
};

bool IsOfAVerdict(const std::string& line) { return line.starts_with("screen ") || line.starts_with("confirm "); }

std::string LogLine(const VerdictRow& row) {
  return fmt::format("{} {} {}", row.confirmation ? "confirm" : "screen",
                     row.turn == 0 ? "scale.cpp" : fmt::format("turn-{}.cpp", row.turn), row.configuration);
}

}  // namespace

KillLog::KillLog(const std::filesystem::path& file)
    : file_(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}

void KillLog::Say(const std::string& line) const {
  const std::string text = line + "\n";
  (void)!write(file_.get(), text.data(), text.size());
}

int BeginOrResume(const std::filesystem::path& folder, const std::string& name, const Simulation& simulation,
                  const KillLog& log) {
  auto store = Store::Open(folder / "state");
  if (!store) return 2;
  const auto spec = ParseSpec(kScaleSpec, "scale.spec");
  Job job = ScaleJob(*spec, name, folder, kScaleSeed);
  job.budget_seconds = simulation.budget_seconds;
  job.asking = simulation.asking;
  job.model = simulation.model;
  job.prices = simulation.prices;
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
    job.history = HistoryOf(stored);
    job.settings = settings;
  }
  Interrupts interrupts;
  LoggingVerifier verifier(*simulation.clock, interrupts, log);
  verifier.play = simulation.play;
  verifier.screen_seconds = simulation.screen_seconds;
  verifier.Say("start");
  const auto progress = NoProgress();
  const auto result = Optimize(job, verifier, *store, *progress, *simulation.clock, interrupts);
  return result && !result->failure && result->best ? 0 : 6;
}

KilledRuns KillAndResume(int kills, double longest_seconds, const std::function<int(const std::string&)>& work) {
  std::mt19937_64 random(20261121);
  std::uniform_real_distribution<double> moment(0, longest_seconds);
  KilledRuns runs;
  bool ended = true;
  while (runs.failures == 0 && (runs.kills < kills || !ended)) {
    if (ended) runs.names.push_back(fmt::format("run{}", runs.names.size()));
    const pid_t child = fork();
    if (child == 0) _exit(work(runs.names.back()));
    if (runs.kills < kills) {
      std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
      kill(child, SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) ++runs.kills;
    ended = WIFEXITED(status);
    if (!ended || WEXITSTATUS(status) == 0) continue;
    ++runs.failures;
    fmt::print("{}: a process ended with {}\n", runs.names.back(), WEXITSTATUS(status));
  }
  return runs;
}

void Compare(const std::vector<VerdictRow>& stored, const std::filesystem::path& log, VerdictTally& tally) {
  std::set<std::string> there;
  for (const VerdictRow& row : stored) tally.twice += there.insert(LogLine(row)).second ? 0 : 1;
  // What a process had gone past was stored: another process must not have made it again.
  std::istringstream lines(ReadFile(log).value_or(""));
  std::map<std::string, int> passed;
  std::string before = "start";
  for (std::string line; std::getline(lines, line);) {
    if (line != "start" && !IsOfAVerdict(line)) continue;
    if (before != "start" && line != "start") ++passed[before];
    if (before != "start" && line == "start") ++tally.remade;
    before = line;
  }
  for (const auto& [what, count] : passed) {
    tally.twice += count > 1 ? 1 : 0;
    tally.lost += there.contains(what) ? 0 : 1;
  }
}

}  // namespace kopt
