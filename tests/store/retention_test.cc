// What the state keeps of tasks and their files, and how it lets go.
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "store/migrations.h"
#include "store/store.h"
#include "tests/store/sqlite_helpers.h"

namespace kopt {
namespace {

class RetentionTest : public ::testing::Test {
 protected:
  Store Open() {
    auto store = Store::Open(folder_.path());
    EXPECT_TRUE(store) << store.error().Text();
    return *std::move(store);
  }
  TemporaryFolder folder_ = *TemporaryFolder::Create("kopt-retention-test");
};

// A run of a task of its own, with a candidate of its own and one verdict.
void AddRun(Store& store, const std::string& run) {
  ASSERT_TRUE(store.AddTask({.spec_hash = run,
                             .name = "t",
                             .text = "kopt = 1",
                             .files = {{.name = "x.npy", .hash = "h" + run, .content = "content of " + run}}}));
  const auto candidate = store.AddCandidate("void " + run + "() {}", run);
  const auto baseline = store.AddCandidate("void baseline_" + run + "() {}", run);
  ASSERT_TRUE(candidate && baseline);
  RunRow row = SomeRun(run);
  row.spec_hash = run;
  row.state = "done";
  row.settings = {{"baseline", {{"source", ContentHash("void baseline_" + run + "() {}")}}}};
  ASSERT_TRUE(store.AddRun(row));
  ASSERT_TRUE(store.AddTurn(run, {.turn = 0, .candidate = *candidate}));
  ASSERT_TRUE(store.AddVerdict(run, SomeVerdict()));
  ASSERT_TRUE(store.AddEvent(run, "baseline", {}));
}

TEST_F(RetentionTest, FilesComeBackByteByByte) {
  Store store = Open();
  const std::string bytes("\x93NUMPY\0\xff\n", 9);
  ASSERT_TRUE(store.AddTask({.spec_hash = "s",
                             .name = "t",
                             .text = "text",
                             .files = {{.name = "../x.npy", .hash = "h", .content = bytes},
                                       {.name = "large.npy", .hash = "g", .content = std::nullopt},
                                       {.name = "none.npy", .hash = "e", .content = ""}}}));
  const auto task = store.FindTask("s");
  ASSERT_TRUE(task && *task);
  EXPECT_EQ((*task)->text, "text");
  ASSERT_EQ((*task)->files.size(), 3u);
  EXPECT_EQ((*task)->files[0].name, "../x.npy");
  EXPECT_EQ((*task)->files[0].content, bytes);
  EXPECT_EQ((*task)->files[1].content, std::nullopt);
  EXPECT_EQ((*task)->files[2].content, "");
  EXPECT_EQ(store.FindTask("unknown").value(), std::nullopt);
}

TEST_F(RetentionTest, RemovingARunRemovesWhatOnlyItNeeds) {
  Store store = Open();
  AddRun(store, "a");
  AddRun(store, "b");
  const RunRow as_read = *store.FindRun("a");
  RunRow changed = as_read;
  changed.state = "waiting";
  EXPECT_FALSE(store.RemoveRun(changed).value());
  EXPECT_TRUE(store.RemoveRun(as_read).value());
  EXPECT_EQ(store.Runs()->size(), 1u);
  EXPECT_EQ(store.FindTask("a").value(), std::nullopt);
  ASSERT_TRUE(*store.FindTask("b"));
  EXPECT_TRUE((*store.FindTask("b"))->files[0].content);
  EXPECT_FALSE(*store.FindCandidate("unknown"));
  Raw raw(folder_.path());
  EXPECT_EQ(raw("SELECT count(*) FROM candidate"), "2");
  EXPECT_EQ(raw("SELECT count(*) FROM file"), "1");
  EXPECT_EQ(raw("SELECT count(*) FROM event"), "1");
  EXPECT_EQ(raw("SELECT count(*) FROM series"), "2");
  EXPECT_EQ(store.Verdicts("b", true)->front().verdict.samples.size(), 2u);
  EXPECT_FALSE(store.RemoveRun(as_read));
}

TEST_F(RetentionTest, WithoutSamplesTheFiguresStay) {
  Store store = Open();
  AddRun(store, "a");
  AddRun(store, "b");
  EXPECT_EQ(store.RunsWithSamples().value(), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(store.DropSamples("a"));
  EXPECT_EQ(store.RunsWithSamples().value(), (std::vector<std::string>{"b"}));
  const auto verdicts = store.Verdicts("a", true);
  EXPECT_TRUE(verdicts->front().verdict.samples.empty());
  EXPECT_TRUE(verdicts->front().verdict.speedup);
}

TEST_F(RetentionTest, FreedSpaceGoesBack) {
  Store store = Open();
  AddRun(store, "a");
  ASSERT_TRUE(store.AddVerdict("a", NextVerdict(50000)));
  const auto file = folder_.path() / "kopt.sqlite";
  ASSERT_TRUE(store.Compact());
  const auto before = std::filesystem::file_size(file);
  const int64_t used = *store.UsedBytes();
  ASSERT_TRUE(store.DropSamples("a"));
  EXPECT_LT(*store.UsedBytes(), used / 2);
  ASSERT_TRUE(store.Compact());
  EXPECT_LT(std::filesystem::file_size(file), before / 2);
}

TEST_F(RetentionTest, NothingIsJudgedTwice) {
  Store store = Open();
  Fill(store, "r");
  VerdictRow row = SomeVerdict();
  ASSERT_TRUE(store.AddVerdict("r", row));
  row.confirmation = !row.confirmation;
  ASSERT_TRUE(store.AddVerdict("r", row));
  EXPECT_FALSE(store.AddVerdict("r", row));
  EXPECT_EQ(store.Verdicts("r")->size(), 2u);
  EXPECT_EQ(store.FindRun("r")->active_seconds, row.at_seconds);
}

TEST_F(RetentionTest, AnOlderStateIsBroughtForward) {
  {
    Raw raw(folder_.path());
    raw(Migrations()[0]);
    raw("PRAGMA application_id = 0x6b6f7074; PRAGMA user_version = 1;");
    raw("INSERT INTO task VALUES ('s', 't', 'text', 'then')");
    raw("INSERT INTO run VALUES (1, 'old', 's', 't', 'cpu', 'd', 'done', '', 'a', 'b', 60, 30, '{}', 'null')");
  }
  Store store = Open();
  EXPECT_EQ(store.FindRun("old")->active_seconds, 30);
  EXPECT_EQ((*store.FindTask("s"))->text, "text");
  EXPECT_TRUE((*store.FindTask("s"))->files.empty());
}

TEST_F(RetentionTest, OnlyOneClaimsARun) {
  Store store = Open();
  Fill(store, "r");
  RunRow run = *store.FindRun("r");
  run.budget_seconds = 90;
  EXPECT_TRUE(store.ClaimRun(run, {{"process", 1}}).value());
  EXPECT_FALSE(store.ClaimRun(run, {{"process", 2}}).value());
  const RunRow claimed = *store.FindRun("r");
  EXPECT_EQ(claimed.settings["process"], 1);
  EXPECT_EQ(claimed.budget_seconds, 90);
}

}  // namespace
}  // namespace kopt
