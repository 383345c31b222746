// A run's confirmed winner as a project of its own: sources, CMake package, example and test, with nothing of kopt in
// it. docs/export.md is the users' reference of what it holds.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/stored_run.h"
#include "verifier/core/verifier.h"

namespace kopt {

struct ExportFile {
  std::string path;  // within the project, '/' between its parts
  std::string content;
};

struct Export {
  std::string package;   // of find_package, the header and the namespace: an identifier
  std::string function;  // "package::Run"
  std::vector<ExportFile> files;
  nlohmann::ordered_json shapes;  // [{"dims": {...}, "scored": true}, ...]: those that were judged
};

// The winner, if it can be exported. Errors: no confirmed winner (exit 2); a device that is not this one (exit 3).
Result<const Judged*> ExportableWinner(const StoredRun& run, const Device& device);

// Makes every file of the project. `verifier`, of the run's task, draws the examples that its test compares with, and
// compiles what runs on a device. An error (exit 3): by another compiler than what was judged.
Result<Export> MakeExport(const StoredRun& run, const std::string& version, Verifier& verifier);

// Into an empty folder. What was written is removed again if the rest cannot be.
Result<void> WriteExport(const Export& made, const std::filesystem::path& folder);

// "row_norm" for a task "row-norm": a C++ identifier that no standard header takes.
std::string PackageName(const std::string& task);

}  // namespace kopt
