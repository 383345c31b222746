// Writes a run to the store as it happens: whatever was judged survives kill -9.
#pragma once

#include <string>
#include <string_view>

#include "agent/baseline.h"
#include "agent/judged.h"
#include "agent/turn.h"
#include "store/store.h"
#include "task/candidate.h"

namespace kopt {

// "attention-20261120-174402-3f2a": the task, the time (UTC), four random digits. File-name safe.
std::string NewRunName(std::string_view task);

// This process, as a run's settings remember it; whether that process still lives.
nlohmann::ordered_json ProcessMark();
bool IsAlive(const nlohmann::ordered_json& process_mark);
// The run's state, but "interrupted" for a running one whose process is gone.
std::string StateOf(const RunRow& run);

class Recorder {
 public:
  Recorder(Store& store, RunRow run) : store_(&store), run_(std::move(run)) {}

  // The task, the run, and turn 0 with the seed: from here on the run can be resumed.
  Result<void> Begin(const Spec& spec, const Contestants& contestants);
  // A run that could not begin leaves no trace; one that was resumed becomes what it was, `before`.
  Result<void> Abandon(const RunRow* before);
  Result<void> Add(const Judged& judged, bool confirmation);
  // A reply was looked at, and `turn` was found in it. False: it was looked at before.
  Result<bool> LookedAt(const Turn& turn, const nlohmann::ordered_json& detail);
  Result<void> Event(std::string_view kind, const nlohmann::ordered_json& detail);
  Result<void> End(std::string_view state, std::string_view outcome, double active_seconds,
                   nlohmann::ordered_json result);
  const RunRow& run() const { return run_; }

 private:
  Store* store_;
  RunRow run_;
};

}  // namespace kopt
