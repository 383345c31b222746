// What the store's tests do to a state file behind its back.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "base/files.h"
#include "store/store.h"

namespace kopt {

// A raw connection to the state file of `folder`.
class Raw {
 public:
  explicit Raw(const std::filesystem::path& folder) {
    EXPECT_EQ(sqlite3_open((folder / "kopt.sqlite").c_str(), &database_), SQLITE_OK);
  }
  Raw(const Raw&) = delete;
  ~Raw() { sqlite3_close_v2(database_); }

  // Runs SQL; all rows, columns separated by '|', rows by new lines.
  std::string operator()(const std::string& sql) {
    std::string rows;
    char* message = nullptr;
    const int code = sqlite3_exec(database_, sql.c_str(), &AddRow, &rows, &message);
    EXPECT_EQ(code, SQLITE_OK) << sql << ": " << (message != nullptr ? message : "");
    sqlite3_free(message);
    return rows;
  }

 private:
  static int AddRow(void* rows, int columns, char** values, char**) {
    auto& text = *static_cast<std::string*>(rows);
    if (!text.empty()) text += '\n';
    for (int i = 0; i < columns; ++i)
      text += std::string(i > 0 ? "|" : "") + (values[i] != nullptr ? values[i] : "NULL");
    return 0;
  }
  sqlite3* database_ = nullptr;
};

inline RunRow SomeRun(const std::string& name) {
  return {.run = name,
          .task = "softmax",
          .spec_hash = "aa",
          .target = "cpu",
          .device = "a CPU",
          .state = "running",
          .started = "2026-11-20T17:44:02.123Z",
          .budget_seconds = 60};
}

// A task, a run with turn 0.
inline void Fill(Store& store, const std::string& run) {
  ASSERT_TRUE(store.AddTask({.spec_hash = "aa", .name = "softmax", .text = "kopt = 1"}));
  ASSERT_TRUE(store.AddRun(SomeRun(run)));
  const auto candidate = store.AddCandidate("void f() {}", "void f(){}");
  ASSERT_TRUE(candidate);
  ASSERT_TRUE(store.AddTurn(run, {.turn = 0, .candidate = *candidate}));
}

inline VerdictRow SomeVerdict(int quads = 8) {
  VerdictRow row{.turn = 0, .configuration = "BM=64 BN=32", .at_seconds = 1.5};
  row.verdict.outcome = Outcome::kMeasured;
  row.verdict.stage = Stage::kMeasure;
  row.verdict.speedup = 1.25;
  row.verdict.speedup_interval = Interval{1.2, 1.3};
  ShapeSamples samples{.shape = 1, .process = 2, .calls_a = 7, .calls_b = 5, .empty_a = 0.001, .empty_b = 0.002};
  for (int i = 0; i < quads; ++i) samples.quads.push_back({0.1 + i, 0.2 + i, 0.3 + i, 0.4 + i});
  row.verdict.samples = {samples, {.shape = 0, .process = 0}};
  return row;
}

// Of a configuration that nobody has judged.
inline VerdictRow NextVerdict(int quads = 8) {
  static std::atomic<int> number = 0;
  VerdictRow row = SomeVerdict(quads);
  row.configuration = fmt::format("PROCESS={} NUMBER={}", getpid(), ++number);
  return row;
}

inline TemporaryFolder NewFolder() {
  auto folder = TemporaryFolder::Create("kopt-store-test-");
  EXPECT_TRUE(folder);
  return std::move(*folder);
}

}  // namespace kopt
