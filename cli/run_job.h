// What `optimize`, `tune` and `resume` share: from a job to its end, with everything that is printed.
#pragma once

#include <functional>

#include "agent/optimize.h"
#include "agent/stored_run.h"
#include "cli/context.h"

namespace kopt {

// Calibrates if need be, makes a verifier, runs the job, prints the result. `job.settings` and `job.peaks` are filled
// in. The exit code: 0 improved, 1 not so, 130 interrupted.
// `claim`, if given, is called once nothing but the run itself can be refused any more.
Result<int> RunJob(Job& job, Store& store, Progress& progress, Context& context,
                   const std::function<Result<void>()>& claim = nullptr);

// The job that goes on with a stored run, as its settings have it. `run` must outlive the job.
Job JobOf(const StoredRun& run);
// Makes the run this process's: with the job's budget and, if `takes_folder`, its results folder. An error if another
// kopt was faster.
Result<void> Claim(Job& job, const StoredRun& run, Store& store, bool takes_folder = true);

// What a run's settings hold of a job.
nlohmann::ordered_json SettingsJson(const Job& job, const Context& context);

// What judges here and now: kopt's version and hash, the sandbox, the facts of the device.
Result<nlohmann::ordered_json> MadeWith(const Device& device, const Context& context);

// `text` as a shell takes it for one word.
std::string Quoted(const std::string& text);

}  // namespace kopt
