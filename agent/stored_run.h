// A run read back from the memory: what resuming it, starting from it, exporting it and repeating its verdicts need.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/baseline.h"
#include "agent/judged.h"
#include "agent/optimize.h"
#include "agent/turn.h"
#include "store/store.h"
#include "task/spec.h"

namespace kopt {

struct StoredRun {
  RunRow row;
  Spec spec;
  Target target = Target::kCpu;
  Contestants contestants;
  Turns turns;                                  // all that was looked at; 0 is the seed
  std::vector<ExchangeRow> exchanges;           // without texts, in order
  std::vector<Judged> screened, confirmations;  // in the order of judging, with their samples
};

// The task of a run as it was judged, whatever has become of its files since. The spec keeps `file` as its name for
// messages; arrays that it fills tensors from are written to `folder`, once for each content. Errors: a task that is
// not in the state; an array that was too large to be kept and is no longer what it was.
Result<Spec> StoredSpec(Store& store, const std::string& spec_hash, const std::string& file,
                        const std::filesystem::path& folder);

// The whole run. `folder`: as above.
Result<StoredRun> LoadRun(Store& store, RunRow row, const std::filesystem::path& folder);

// What a job that resumes the run has behind it.
History HistoryOf(const StoredRun& run);

// The candidate of a judged configuration.
const Candidate& CandidateOf(const StoredRun& run, const Judged& judged);

// The tunables of `text` ("BM=64 STAGES=2", "-"); nothing if they are not those of the candidate.
std::optional<Configuration> ParseConfiguration(const Candidate& candidate, const std::string& text);

// What AddTask needs of a spec, read from its files.
Result<TaskRow> TaskRowOf(const Spec& spec);

}  // namespace kopt
