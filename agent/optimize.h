// One optimisation of one task on one device within one budget, without a model: a search over the seed's
// configurations, each screened once; then the leaders confirmed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/baseline.h"
#include "agent/interrupts.h"
#include "agent/progress.h"
#include "agent/recorder.h"
#include "base/clock.h"
#include "store/store.h"
#include "verifier/core/verifier.h"

namespace kopt {

// What a run that is resumed has behind it.
struct History {
  RunRow row;                                   // as it was before it was claimed
  std::vector<Judged> screened, confirmations;  // in order
};

struct Job {
  const Spec* spec = nullptr;
  Target target = Target::kCpu;
  Contestants contestants;               // the seed is present
  std::string run;                       // NewRunName()
  std::filesystem::path out;             // results folder, see agent/results.h
  double budget_seconds = 60;            // active time; infinite: until nothing is left to try
  std::optional<double> target_speedup;  // the search ends when a confirmed speedup reaches it
  std::string strategy = "model";        // of the search, see agent/search/search.h
  uint64_t random_seed = 0;              // of the search
  std::optional<History> history;        // a run that was claimed to be resumed; nothing: a new one
  Peaks peaks;                           // as they were known at the beginning, for `settings`
  std::string command;                   // how to repeat the run, for the report
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();  // stored with the run
};

struct OptimizeResult {
  RunRow run;  // as stored: name, state, outcome
  Device device;
  Peaks peaks;  // what the verdicts' speed of light rests on
  Registration registration;
  Verdict baseline;                   // without a ratio
  std::vector<Judged> screened;       // in order; the first is the seed's default configuration
  std::vector<Judged> confirmations;  // in order
  std::optional<Judged> best;         // confirmed, and faster
  std::string stopped_by;             // "budget", "space exhausted", "target speedup", "interrupted", "failure"
  bool interrupted = false;           // exit 130
  std::optional<Error> failure;       // the loop could not go on (exit 3 or 4); what was judged until then stands
  long long space = 0;                // configurations before `where`; saturates
  std::optional<size_t> admissible;   // configurations that satisfy every `where`, if they can be counted
  double preparation_seconds = 0;     // registration, baseline, the seed's defaults: outside the budget
  double active_seconds = 0;
  double tail_seconds = 0;          // what was kept for confirmation
  nlohmann::ordered_json manifest;  // of the best, see agent/manifest.h; null: there is none
  nlohmann::ordered_json document;  // of `optimize --json`
};

// An error is returned only if the run never began (a spec without power, a baseline or seed that is wrong, a signal
// during preparation) or if nothing can be stored; then no budget was spent, and a new run is forgotten. Otherwise the
// run has ended, is stored, and `job.out` holds the results.
Result<OptimizeResult> Optimize(const Job& job, Verifier& verifier, Store& store, Progress& progress, Clock& clock,
                                Interrupts& interrupts);

// Counts of screening verdicts by outcome.
OutcomeCounts CountOutcomes(const std::vector<Judged>& screened);

}  // namespace kopt
