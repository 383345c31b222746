// Judging what waits in runs whose model is outside of kopt.
#pragma once

#include <string>

#include "agent/optimize.h"
#include "cli/context.h"
#include "store/store.h"

namespace kopt {

// Seconds of active time that --tune spends if it is not given.
inline constexpr const char* kTuneTime = "20s";

// An error (exit 2) if a run waits for nobody outside: it asks a model itself, or none, or has ended.
Result<void> CheckOpen(const RunRow& run);

// Judges the replies of one run that wait, then tries configurations for `tune_seconds`, and leaves the run waiting; or
// ends it, if its budget is spent. The exit code: 0 the run waits, or has ended improved; 1 ended, but not so.
Result<int> WorkOn(RunRow row, double tune_seconds, Store& store, Context& context);

}  // namespace kopt
