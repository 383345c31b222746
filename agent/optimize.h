// One optimisation of one task on one device within one budget, without a model: the seed's configurations in random
// order without repetition, each screened; then the best ones confirmed until one holds.
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

struct Job {
  const Spec* spec = nullptr;
  Target target = Target::kCpu;
  Contestants contestants;               // the seed is present
  std::string run;                       // NewRunName()
  std::filesystem::path out;             // results folder, see agent/results.h
  double budget_seconds = 60;            // active time
  std::optional<double> target_speedup;  // the search ends when a confirmed speedup reaches it
  uint64_t random_seed = 0;              // of the order in which configurations are tried
  Peaks peaks;                           // shown in the report; the verifier has its own copy
  std::string command;                   // how to repeat the run, for the report
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();  // stored with the run
};

struct OptimizeResult {
  RunRow run;  // as stored: name, state, outcome
  Device device;
  Registration registration;
  Verdict baseline;                   // without a ratio
  std::vector<Judged> screened;       // in order; the first is the seed's default configuration
  std::vector<Judged> confirmations;  // in order
  std::optional<Judged> best;         // confirmed, and faster
  std::string stopped_by;             // "budget", "space exhausted", "target speedup", "interrupted", "failure"
  bool interrupted = false;           // exit 130
  std::optional<Error> failure;       // the loop could not go on (exit 3 or 4); what was judged until then stands
  long long space = 0;                // configurations before `where`; saturates
  double preparation_seconds = 0;     // registration, baseline, the seed's defaults: outside the budget
  double active_seconds = 0;
  double tail_seconds = 0;          // what was kept for confirmation
  nlohmann::ordered_json document;  // of `optimize --json`
  nlohmann::ordered_json manifest;  // what the run depended on: keys, possibly nested; shown in the report
};

// An error is returned only if the run never began (a spec without power, a baseline or seed that is wrong, a signal
// during preparation) or if nothing can be stored; then no budget was spent. Otherwise the run has ended, is stored,
// and `job.out` holds the results. docs/optimize.md describes the loop.
Result<OptimizeResult> Optimize(const Job& job, Verifier& verifier, Store& store, Progress& progress, Clock& clock,
                                Interrupts& interrupts);

// Counts of screening verdicts by outcome.
OutcomeCounts CountOutcomes(const std::vector<Judged>& screened);

}  // namespace kopt
