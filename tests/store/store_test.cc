#include "store/store.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>

#include "tests/store/sqlite_helpers.h"

namespace kopt {
namespace {

class StoreTest : public testing::Test {
 protected:
  Store Open() {
    auto store = Store::Open(folder_.path());
    EXPECT_TRUE(store) << store.error().Text();
    return std::move(*store);
  }
  TemporaryFolder folder_ = NewFolder();
};

// A released schema never changes: a difference here needs a new migration, and then a new golden file.
TEST_F(StoreTest, SchemaIsTheGoldenOne) {
  Open();
  Raw raw(folder_.path());
  const std::string schema = "PRAGMA user_version = " + raw("PRAGMA user_version") +
                             ";\nPRAGMA application_id = " + raw("PRAGMA application_id") + ";\n" +
                             raw("SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid") + "\n";
  if (std::getenv("KOPT_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFile(KOPT_GOLDEN_SCHEMA, schema));
  }
  const auto golden = ReadFile(KOPT_GOLDEN_SCHEMA);
  ASSERT_TRUE(golden) << golden.error().Text();
  EXPECT_EQ(schema, *golden);
}

TEST_F(StoreTest, IsDurable) {
  Store store = Open();
  Raw raw(folder_.path());
  EXPECT_EQ(raw("PRAGMA journal_mode"), "wal");
}

TEST_F(StoreTest, MakesTheFolder) {
  const auto deep = folder_.path() / "a" / "b";
  ASSERT_TRUE(Store::Open(deep));
  EXPECT_TRUE(std::filesystem::exists(deep / "kopt.sqlite"));
}

TEST_F(StoreTest, EverythingIsThereAfterReopening) {
  VerdictRow row = SomeVerdict();
  row.confirmation = true;
  row.verdict.reason = "none";
  row.verdict.time_us = 12.5;
  row.verdict.confirmed = true;
  row.verdict.evidence = {{"noise", 0.004}};
  row.verdict.stage_seconds = {{"compile", 0.25}, {"check", 1.0}, {"compile", 0.5}};
  {
    Store store = Open();
    Fill(store, "softmax-1");
    ASSERT_TRUE(store.AddVerdict("softmax-1", row));
    ASSERT_TRUE(store.AddEvent("softmax-1", "phase", {{"name", "screen"}}));
    ASSERT_TRUE(store.Put("calibration", "cpu", "{}"));
  }
  Store store = Open();
  const auto verdicts = store.Verdicts("softmax-1", true);
  ASSERT_TRUE(verdicts);
  ASSERT_EQ(verdicts->size(), 1u);
  const VerdictRow& read = verdicts->front();
  EXPECT_EQ(read.configuration, "BM=64 BN=32");
  EXPECT_TRUE(read.confirmation);
  EXPECT_EQ(read.at_seconds, 1.5);
  EXPECT_FALSE(read.created.empty());
  EXPECT_EQ(read.verdict.Json(), row.verdict.Json());
  EXPECT_EQ(read.verdict.stage_seconds, row.verdict.stage_seconds);
  ASSERT_EQ(read.verdict.samples.size(), 2u);
  const ShapeSamples& samples = read.verdict.samples[0];
  EXPECT_EQ(samples.shape, 1);
  EXPECT_EQ(samples.process, 2);
  EXPECT_EQ(samples.calls_a, 7);
  EXPECT_EQ(samples.calls_b, 5);
  EXPECT_EQ(samples.empty_a, 0.001);
  EXPECT_EQ(samples.empty_b, 0.002);
  ASSERT_EQ(samples.quads.size(), 8u);
  EXPECT_EQ(samples.quads[7].a1, 7.1);
  EXPECT_EQ(samples.quads[7].b1, 7.2);
  EXPECT_EQ(samples.quads[7].b2, 7.3);
  EXPECT_EQ(samples.quads[7].a2, 7.4);
  EXPECT_TRUE(read.verdict.samples[1].quads.empty());
  EXPECT_EQ(store.Get("calibration", "cpu").value(), "{}");
  EXPECT_EQ(Raw(folder_.path())("SELECT kind, detail FROM event"), R"(phase|{"name":"screen"})");
}

TEST_F(StoreTest, EveryOutcomeAndStageComesBack) {
  Store store = Open();
  Fill(store, "r");
  for (int outcome = 0; outcome <= static_cast<int>(Outcome::kMeasured); ++outcome) {
    VerdictRow row = NextVerdict();
    row.verdict = {};
    row.verdict.outcome = static_cast<Outcome>(outcome);
    row.verdict.stage = static_cast<Stage>(outcome % 7);
    ASSERT_TRUE(store.AddVerdict("r", row));
  }
  const auto verdicts = store.Verdicts("r");
  for (size_t i = 0; i < verdicts->size(); ++i) {
    EXPECT_EQ((*verdicts)[i].verdict.outcome, static_cast<Outcome>(i));
    EXPECT_EQ((*verdicts)[i].verdict.stage, static_cast<Stage>(i % 7));
    EXPECT_FALSE((*verdicts)[i].verdict.speedup);
    EXPECT_FALSE((*verdicts)[i].verdict.speedup_interval);
  }
}

TEST_F(StoreTest, SamplesAreReadOnlyWhenAskedFor) {
  Store store = Open();
  Fill(store, "r");
  ASSERT_TRUE(store.AddVerdict("r", SomeVerdict()));
  EXPECT_TRUE(store.Verdicts("r")->front().verdict.samples.empty());
}

TEST_F(StoreTest, TimesThatAreNotNumbersComeBackAsSuch) {
  Store store = Open();
  Fill(store, "r");
  VerdictRow row = SomeVerdict(1);
  row.verdict.samples[0].quads[0].b1 = std::numeric_limits<double>::quiet_NaN();
  row.verdict.samples[0].quads[0].b2 = -1e-9;
  row.verdict.time_us = std::numeric_limits<double>::quiet_NaN();
  row.at_seconds = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(store.AddVerdict("r", row));
  const auto verdicts = store.Verdicts("r", true);
  const Quad& quad = verdicts->front().verdict.samples[0].quads[0];
  EXPECT_TRUE(std::isnan(quad.b1));
  EXPECT_EQ(quad.b2, -1e-9);
  EXPECT_FALSE(verdicts->front().verdict.time_us);
  EXPECT_EQ(verdicts->front().at_seconds, 0);
}

TEST_F(StoreTest, BytesThatAreNoTextDoNotCostTheRow) {
  Store store = Open();
  Fill(store, "r");
  VerdictRow row = SomeVerdict();
  row.verdict.reason = std::string("a\0b\xff", 4);
  row.verdict.evidence["log"] = "\xff\xfe";
  ASSERT_TRUE(store.AddVerdict("r", row));
  const auto verdicts = store.Verdicts("r");
  EXPECT_EQ(verdicts->front().verdict.reason, row.verdict.reason);
  EXPECT_EQ(verdicts->front().verdict.evidence["log"], "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_F(StoreTest, RunsAreUpdatedAndListedNewestFirst) {
  Store store = Open();
  Fill(store, "first");
  RunRow second = SomeRun("second");
  second.settings = {{"seed", 7}};
  ASSERT_TRUE(store.AddRun(second));
  second.state = "done";
  second.outcome = "improved";
  second.ended = "2026-11-20T17:45:02.123Z";
  second.active_seconds = 58.5;
  second.result = {{"kopt", 1}};
  ASSERT_TRUE(store.UpdateRun(second));
  const auto runs = store.Runs();
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ((*runs)[0].run, "second");
  EXPECT_EQ((*runs)[0].state, "done");
  EXPECT_EQ((*runs)[0].outcome, "improved");
  EXPECT_EQ((*runs)[0].ended, "2026-11-20T17:45:02.123Z");
  EXPECT_EQ((*runs)[0].active_seconds, 58.5);
  EXPECT_EQ((*runs)[0].budget_seconds, 60);
  EXPECT_EQ((*runs)[0].settings, second.settings);
  EXPECT_EQ((*runs)[0].result, second.result);
  EXPECT_EQ((*runs)[0].turns, 0);
  EXPECT_EQ((*runs)[1].run, "first");
  EXPECT_TRUE((*runs)[1].result.is_null());
  EXPECT_EQ((*runs)[1].turns, 1);
}

TEST_F(StoreTest, ARunIsFoundByNameByPrefixAndAsTheLast) {
  Store store = Open();
  Fill(store, "softmax-20261120-1");
  for (const char* name : {"softmax-20261120-12", "matmul-20261120-3"}) ASSERT_TRUE(store.AddRun(SomeRun(name)));
  EXPECT_EQ(store.FindRun("softmax-20261120-1")->run, "softmax-20261120-1");
  EXPECT_EQ(store.FindRun("mat")->run, "matmul-20261120-3");
  EXPECT_EQ(store.FindRun("last")->run, "matmul-20261120-3");
  const auto ambiguous = store.FindRun("soft");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().exit, Exit::kUsage);
  EXPECT_EQ(ambiguous.error().Text(),
            "`soft` begins the name of more than one run; name one of `softmax-20261120-12`, `softmax-20261120-1`");
}

TEST_F(StoreTest, AnUnknownRunNamesTheNearest) {
  Store store = Open();
  EXPECT_EQ(store.FindRun("last").error().Text(), "there is no run yet; `kopt optimize SPEC` makes one");
  Fill(store, "softmax-1");
  const auto missing = store.FindRun("sofmax-1");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit, Exit::kUsage);
  EXPECT_EQ(missing.error().Text(), "there is no run `sofmax-1`; did you mean `softmax-1`?");
  EXPECT_EQ(store.FindRun("xyz").error().Text(), "there is no run `xyz`; `kopt runs` lists them");
  EXPECT_FALSE(store.FindRun(""));
  EXPECT_FALSE(store.FindRun("%"));
}

TEST_F(StoreTest, CandidatesAreKeptOnce) {
  Store store = Open();
  const auto first = store.AddCandidate("void f() {}", "void f(){}");
  const auto second = store.AddCandidate("void g() {}", "void g(){}");
  EXPECT_EQ(store.AddCandidate("void f() {}", "void f(){}").value(), *first);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(store.CandidateSource(*second).value(), "void g() {}");
  EXPECT_EQ(Raw(folder_.path())("SELECT count(*) FROM candidate"), "2");
  const auto missing = store.CandidateSource(77);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "the state holds no candidate 77");
}

TEST_F(StoreTest, TurnsKeepTheirOrderAndDetail) {
  Store store = Open();
  Fill(store, "r");
  ASSERT_TRUE(store.AddTurn("r", {.turn = 2, .candidate = 1, .created = "then"}));
  ASSERT_TRUE(store.AddTurn("r", {.turn = 1, .candidate = 1, .detail = {{"prompt", "x"}}}));
  const auto turns = store.Turns("r");
  ASSERT_EQ(turns->size(), 3u);
  EXPECT_EQ((*turns)[1].turn, 1);
  EXPECT_EQ((*turns)[1].detail["prompt"], "x");
  EXPECT_EQ((*turns)[2].created, "then");
  EXPECT_FALSE(store.AddTurn("r", {.turn = 1, .candidate = 1}));
}

TEST_F(StoreTest, WhatPointsNowhereIsRefused) {
  Store store = Open();
  EXPECT_FALSE(store.AddRun(SomeRun("no-task")));
  Fill(store, "r");
  EXPECT_FALSE(store.AddRun(SomeRun("r")));
  EXPECT_FALSE(store.AddTurn("r", {.turn = 1, .candidate = 99}));
  EXPECT_EQ(store.AddTurn("x", {}).error().message, "the state holds no run `x`");
  VerdictRow row = SomeVerdict();
  row.turn = 5;
  EXPECT_FALSE(store.AddVerdict("r", row));
  RunRow run = SomeRun("r");
  run.state = "sleeping";
  EXPECT_FALSE(store.UpdateRun(run));
  EXPECT_TRUE(store.Verdicts("r")->empty());
  EXPECT_EQ(Raw(folder_.path())("SELECT count(*) FROM sample"), "0");
}

TEST_F(StoreTest, FactsAreReplaced) {
  Store store = Open();
  EXPECT_EQ(store.Get("a", "k").value(), std::nullopt);
  ASSERT_TRUE(store.Put("a", "k", "1"));
  ASSERT_TRUE(store.Put("b", "k", "other"));
  ASSERT_TRUE(store.Put("a", "k", "2"));
  EXPECT_EQ(store.Get("a", "k").value(), "2");
  EXPECT_EQ(store.Get("b", "k").value(), "other");
}

TEST_F(StoreTest, ThreadsTakeTurns) {
  Store store = Open();
  Fill(store, "r");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&store] {
      for (int j = 0; j < 10; ++j) EXPECT_TRUE(store.AddVerdict("r", NextVerdict()));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store.Verdicts("r")->size(), 40u);
}

TEST(DefaultStateFolderTest, FollowsXdg) {
  setenv("XDG_STATE_HOME", "/x/state", 1);
  EXPECT_EQ(DefaultStateFolder(), "/x/state/kopt");
  setenv("XDG_STATE_HOME", "relative", 1);  // the specification says to ignore it
  setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(DefaultStateFolder(), "/home/someone/.local/state/kopt");
  unsetenv("XDG_STATE_HOME");
  EXPECT_EQ(DefaultStateFolder(), "/home/someone/.local/state/kopt");
}

TEST(DefaultStateFolderTest, IsNoneWithoutAHome) {
  unsetenv("XDG_STATE_HOME");
  unsetenv("HOME");
  EXPECT_EQ(DefaultStateFolder(), "");
  const auto store = Store::Open(DefaultStateFolder());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().Text(),
            "there is no place for the state: neither XDG_STATE_HOME nor HOME is set; name a folder with --state DIR");
}

}  // namespace
}  // namespace kopt
