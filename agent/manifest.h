// What a judgement rests on, complete enough to repeat it: `kopt verify --manifest FILE`. docs/configuration.md
// describes the format.
#pragma once

#include <string>

#include "agent/baseline.h"
#include "agent/judged.h"
#include "base/error.h"
#include "store/store.h"

namespace kopt {

// Of a run's confirmed winner. `run.settings` is what the run was begun with (see SettingsJson).
// `candidate`: the winner's.
nlohmann::ordered_json ManifestOf(const RunRow& run, const Contestants& contestants, const Candidate& candidate,
                                  const Judged& winner);

// A manifest read back: what has to be looked up, and what was found then.
struct Manifest {
  std::string file;  // for messages
  Target target = Target::kCpu;
  std::string spec_file, spec_hash;
  std::string candidate_file, candidate_hash, configuration;
  std::string baseline_file, baseline_hash, baseline_configuration;
  uint64_t input_seed = 0;
  std::optional<double> speedup;
  std::optional<Interval> interval;
  std::string device;
  nlohmann::ordered_json made_with;
};

// Errors (exit 2) with file and key: no JSON, another format, a key that is missing or of another type.
Result<Manifest> ParseManifest(const std::string& text, const std::string& file);

// "compiler_version: g++ 12.2.0, now g++ 13.3.0": what is not as it was, a line each.
std::vector<std::string> Differences(const nlohmann::ordered_json& then, const nlohmann::ordered_json& now);

}  // namespace kopt
