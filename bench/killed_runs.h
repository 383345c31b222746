// What the programs share that kill runs at random moments, resume them, and look at what is left.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/scripted.h"
#include "store/store.h"

namespace kopt {

// Lines that outlive the process that wrote them. Several threads may write.
class KillLog {
 public:
  explicit KillLog(const std::filesystem::path& file);
  void Say(const std::string& line) const;

 private:
  Fd file_;
};

// What a process simulates.
struct Simulation {
  FakeClock* clock = nullptr;
  std::function<Behaviour(const Candidate&, const Configuration&)> play;
  double budget_seconds = 1000;
  double screen_seconds = 1;
  Asking asking;
  ChatModel* model = nullptr;
  Prices prices;
};

// Begins the run `name`, or goes on with it as `kopt resume` does; the state and the results are in `folder`. Before
// each verdict the log says which one it is, "screen turn-3.cpp A=1 B=2": what it said before was stored by then. The
// process's exit code: 0 at the run's end.
int BeginOrResume(const std::filesystem::path& folder, const std::string& name, const Simulation& simulation,
                  const KillLog& log);

struct KilledRuns {
  std::vector<std::string> names;
  int kills = 0;
  int failures = 0;  // processes that ended with another code than 0
};
// Calls `work` with the name of a run, each time in a process of its own that is killed after at most
// `longest_seconds`, until the run has ended; then the next run, until `kills` have hit. The last run is let to end.
KilledRuns KillAndResume(int kills, double longest_seconds, const std::function<int(const std::string&)>& work);

struct VerdictTally {
  int lost = 0, twice = 0;
  int remade = 0;  // under way when a process was killed; at most
};
// Compares the verdicts that are stored with what a run's processes said in their log.
void Compare(const std::vector<VerdictRow>& stored, const std::filesystem::path& log, VerdictTally& tally);

}  // namespace kopt
