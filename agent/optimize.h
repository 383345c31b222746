// One optimisation of one task within one budget, on one device or several of a kind: candidates from a model, if one
// is asked, and the configurations of all candidates, each screened once; then the leaders confirmed.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/asking.h"
#include "agent/baseline.h"
#include "agent/interrupts.h"
#include "agent/progress.h"
#include "agent/recorder.h"
#include "agent/spend.h"
#include "agent/turn.h"
#include "base/clock.h"
#include "llm_client/chat.h"
#include "llm_client/prices.h"
#include "store/store.h"
#include "verifier/core/verifier.h"

namespace kopt {

// What a run that is resumed has behind it.
struct History {
  RunRow row;                                   // as it was before it was claimed
  Turns turns;                                  // with the seed
  std::vector<ExchangeRow> exchanges;           // without texts
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
  std::optional<double> target_sol;      // ... or when a confirmed kernel reaches this fraction of the speed of light
  std::string search = "model";          // over tunables, see agent/search/search.h
  uint64_t random_seed = 0;              // of the search
  Asking asking;                         // who proposes candidates, and how
  ChatModel* model = nullptr;            // whom asking.models are asked of; null: kopt asks nobody
  Prices prices;
  // Of an external run that shall not end now: what waits is judged, then configurations are tried for so many seconds
  // of active time; then the run waits for more replies. It ends all the same once its budget is spent.
  std::optional<double> pause_after;
  std::optional<History> history;  // a run that was claimed to be resumed; nothing: a new one
  Peaks peaks;                     // as they were known at the beginning, for `settings`
  nlohmann::ordered_json devices;  // of several, for `settings`: "named" as the user did, "which" (Device::which)
  std::string command;             // how to repeat the run, for the report
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();  // stored with the run
};

struct OptimizeResult {
  RunRow run;                        // as stored: name, state, outcome
  Device device;                     // the first
  std::vector<std::string> devices;  // of several: Device::which
  Peaks peaks;                       // what the verdicts' speed of light rests on: the best of all devices
  Registration registration;
  Verdict baseline;                    // without a ratio
  Turns turns;                         // all that was looked at; 0 is the seed
  std::vector<ExchangeRow> exchanges;  // without texts, in order
  Spend spend;
  std::vector<Judged> screened;       // in order; the first is the seed's default configuration
  std::vector<Judged> confirmations;  // in order
  size_t recalled = 0;                // of `screened`: those that a resumed run had behind it
  std::set<int> recalled_turns;
  std::optional<Judged> best;  // confirmed, and faster
  // "budget", "space exhausted", "target speedup", "interrupted", "failure", "token budget", "money budget",
  // "endpoint", "nothing new", "recording", "waiting"
  std::string stopped_by;
  std::vector<std::string> remarks;       // on the endpoint: what failed, and when it worked again
  std::vector<std::string> lost_devices;  // those of several that were left out, and why
  bool interrupted = false;               // exit 130
  std::optional<Error> failure;           // the loop could not go on (exit 3 or 4); what was judged until then stands
  long long space = 0;                    // configurations before `where`; saturates
  std::optional<size_t> admissible;       // configurations that satisfy every `where`, if they can be counted
  double preparation_seconds = 0;         // registration, baseline, the seed's defaults: outside the budget
  double active_seconds = 0;
  double tail_seconds = 0;          // what was kept for confirmation
  nlohmann::ordered_json manifest;  // of the best, see agent/manifest.h; null: there is none
  nlohmann::ordered_json document;  // of `optimize --json`
};

// `verifiers`: of the task, each on a device of its own, all of one model; the first is the one that registers the spec
// and that prompts and the manifest describe. Whichever has nothing to do judges what comes next, all at the same time;
// every verdict is relative to the baseline on its own device. Of a run with several, no verifier can be used
// afterwards, and a device that fails for good is left out while another is left; work that fails on a second one, too,
// ends the run.
// An error is returned only if the run never began (a spec without power, a baseline or seed that is wrong, a signal
// during preparation, an endpoint that refuses before it
// has answered once) or if nothing can be stored; then no budget was spent, and a new run is forgotten. Otherwise the
// run has ended, is stored, and `job.out` holds the results.
Result<OptimizeResult> Optimize(const Job& job, std::span<Verifier* const> verifiers, Store& store, Progress& progress,
                                Clock& clock, Interrupts& interrupts);
// On one device.
Result<OptimizeResult> Optimize(const Job& job, Verifier& verifier, Store& store, Progress& progress, Clock& clock,
                                Interrupts& interrupts);

// The candidate of a judged configuration.
const Candidate& CandidateOf(const OptimizeResult& result, const Judged& judged);

// Takes what is higher in `others`, of the same device model.
void Raise(Peaks& peaks, const Peaks& others);

// Counts of screening verdicts by outcome.
OutcomeCounts CountOutcomes(const std::vector<Judged>& screened);

}  // namespace kopt
