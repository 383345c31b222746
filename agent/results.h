// The results folder of a run.
//
//   best.cpp       (best.cu) the best kernel, its tunables bound; only if the run improved on the baseline
//   verdict.json   its confirmation
//   manifest.json  what that rests on, for `kopt verify --manifest`
//   verdicts.json  every verdict, screenings and confirmations, in order
//   report.md      for people
//   report.html    the same with pictures, in one file
//   result.json    the document of `optimize --json`
//
// and what agent/turn_files.h names, of a run that asked for candidates.
#pragma once

#include <filesystem>

#include "agent/optimize.h"

namespace kopt {

inline constexpr const char* BestFile(Target target) { return target == Target::kCuda ? "best.cu" : "best.cpp"; }
inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kReportFile = "report.md";
inline constexpr const char* kHtmlReportFile = "report.html";

// An error (exit 2) if something stands at `folder` that is not an empty folder, or if it cannot be created or written.
// `own`: it may hold earlier results of the same run.
Result<void> PrepareResultsFolder(const std::filesystem::path& folder, bool own = false);

// `store` holds the run's exchanges.
Result<void> WriteResults(const Job& job, const OptimizeResult& result, Store& store);

}  // namespace kopt
