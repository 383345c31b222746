// A run to export, and the comparison of what is written with goldens.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "agent/export/parts.h"
#include "base/files.h"
#include "tests/agent/fake_verifier.h"

namespace kopt {

inline std::string Read(const std::filesystem::path& path) {
  auto text = ReadFile(path);
  return text ? *text : "cannot read " + path.string();
}

// A run of a spec and its seed, with a winner.
inline StoredRun RunOf(Target target, const std::string& spec_text, const std::string& source,
                       const Configuration& winner) {
  StoredRun run;
  auto spec = ParseSpec(spec_text, "task.spec");
  EXPECT_TRUE(spec) << spec.error().Text();
  run.spec = *std::move(spec);
  run.target = target;
  auto seed =
      ParseCandidate(run.spec, target, source, target == Target::kCuda ? "/home/u/task.cu" : "/home/u/task.cpp");
  EXPECT_TRUE(seed) << seed.error().Text();
  run.contestants.seed = *std::move(seed);
  run.turns.emplace(0, SeedTurn(*run.contestants.seed));
  run.row = {.run = "types-20261120-174402-3f2a", .target = std::string(Name(target)), .device = "a simulated device"};
  run.row.started = "2026-11-20T17:44:02.123Z";
  Verdict verdict{.outcome = Outcome::kMeasured, .time_us = 500, .baseline_us = 1000};
  verdict.speedup = 2;
  verdict.speedup_interval = Interval{1.98, 2.02};
  run.confirmations.push_back({.configuration = winner, .verdict = verdict, .confirmed = true});
  return run;
}

// Compares with tests/agent/golden/NAME; writes it instead when KOPT_UPDATE_GOLDEN is set.
inline void ExpectGolden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(KOPT_SOURCE_DIR) / "tests/agent/golden" / name;
  if (std::getenv("KOPT_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFile(path, text));
  }
  EXPECT_EQ(text, Read(path));
}

}  // namespace kopt
