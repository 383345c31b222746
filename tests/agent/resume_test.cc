// A run that ended early goes on where it was.
#include <gtest/gtest.h>

#include <set>

#include "agent/manifest.h"
#include "agent/stored_run.h"
#include "tests/agent/job_fixture.h"

namespace kopt {
namespace {

class ResumeTest : public JobTest {
 protected:
  // A fault that ends the run at the `call`-th Screen or Confirm of this process.
  void EndAt(int call) {
    verifier_.calls = 0;
    verifier_.faults.clear();
    for (int attempt = 0; attempt < 3; ++attempt) {
      verifier_.faults[call + attempt] = Error{.exit = Exit::kInternal, .message = "the worker vanished"};
    }
  }
};

Behaviour ByProduct(const Configuration& configuration) {
  return {.speedup = 1 + 0.01 * static_cast<double>(configuration.at("A") * configuration.at("B"))};
}

TEST_F(ResumeTest, NothingIsJudgedTwice) {
  SetBaseline();
  verifier_.behave = ByProduct;
  EndAt(5);
  ASSERT_TRUE(Run());
  EndAt(4);
  const auto second = Resume();
  ASSERT_TRUE(second) << second.error().Text();
  EXPECT_EQ(second->screened.size(), 4u + 3u);
  verifier_.faults.clear();
  const auto last = Resume();
  ASSERT_TRUE(last) << last.error().Text();
  EXPECT_EQ(last->run.state, "done");
  EXPECT_EQ(last->screened.size(), 11u);
  ASSERT_TRUE(last->best);
  EXPECT_EQ(Text(last->best->configuration), "A=3 B=30");
  std::multiset<std::string> judged;
  const auto verdicts = store_->Verdicts(job_.run);
  for (const VerdictRow& row : *verdicts) judged.insert(row.configuration + (row.confirmation ? " confirmed" : ""));
  EXPECT_EQ(judged.size(), std::set(judged.begin(), judged.end()).size());
}

TEST_F(ResumeTest, TheBudgetGoesOn) {
  SetBaseline();
  verifier_.behave = ByProduct;
  job_.budget_seconds = 20;  // tail 5 s
  verifier_.screen_seconds = 4;
  EndAt(4);
  const auto first = Run();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->screened.size(), 3u);
  EXPECT_DOUBLE_EQ(Stored()->row.active_seconds, 8 + 12);  // three attempts at what failed are spent as well
  verifier_.faults.clear();
  verifier_.screened.clear();
  const auto last = Resume();
  ASSERT_TRUE(last);
  EXPECT_TRUE(verifier_.screened.empty());
  EXPECT_EQ(last->stopped_by, "budget");
  EXPECT_TRUE(last->best);  // one confirmation is always made
  EXPECT_DOUBLE_EQ(last->active_seconds, 20 + 6);
}

TEST_F(ResumeTest, AConfirmedBestStays) {
  SetBaseline();
  verifier_.behave = ByProduct;
  ASSERT_TRUE(Run()->best);
  verifier_.confirmed.clear();
  verifier_.screened.clear();
  const auto again = Resume();
  ASSERT_TRUE(again);
  ASSERT_TRUE(again->best);
  EXPECT_EQ(Text(again->best->configuration), "A=3 B=30");
  EXPECT_TRUE(verifier_.confirmed.empty());
  EXPECT_TRUE(verifier_.screened.empty());
}

TEST_F(ResumeTest, ARunThatCannotPrepareIsAsItWas) {
  EndAt(3);
  ASSERT_TRUE(Run());
  verifier_.no_power = Error{.exit = Exit::kEnvironment, .message = "no worker"};
  EXPECT_FALSE(Resume());
  EXPECT_EQ(store_->FindRun(job_.run)->state, "interrupted");
  EXPECT_EQ(store_->Verdicts(job_.run)->size(), 3u);
}

TEST_F(ResumeTest, WhatNeverBeganLeavesNoTrace) {
  verifier_.no_power = Error{.exit = Exit::kUsage, .message = "no power"};
  EXPECT_FALSE(Run());
  EXPECT_TRUE(store_->Runs()->empty());
}

TEST_F(ResumeTest, ADifferentStrategyOfConfigurationsIsReadBack) {
  const Candidate seed = *job_.contestants.seed;
  EXPECT_EQ(ParseConfiguration(seed, "A=3 B=20"), (Configuration{{"A", 3}, {"B", 20}}));
  EXPECT_FALSE(ParseConfiguration(seed, "A=3"));
  EXPECT_FALSE(ParseConfiguration(seed, "A=3 B=x"));
  EXPECT_FALSE(ParseConfiguration(seed, "A=3 B=20 C=1"));
  EXPECT_FALSE(ParseConfiguration(seed, "-"));
}

TEST_F(ResumeTest, ArraysOfTheSpecComeFromTheState) {
  const auto data = folder_->path() / "x.npy";
  std::string npy("\x93NUMPY\x01\x00\x46\x00", 10);
  npy += "{'descr': '<f4', 'fortran_order': False, 'shape': (4096,), }";
  npy.resize(10 + 0x46 - 1, ' ');
  npy += "\n" + std::string(4096 * 4, '\0');
  ASSERT_TRUE(WriteFile(data, npy));
  std::string text = kCopySpec;
  text.replace(text.find("normal(0, 1)"), 12, "file(x.npy)");
  const std::string file = (folder_->path() / "scale.spec").string();
  auto spec = ParseSpec(text, file);
  ASSERT_TRUE(spec) << spec.error().Text();
  spec_ = *std::move(spec);
  verifier_.behave = ByProduct;
  ASSERT_TRUE(Run());
  std::filesystem::remove(data);
  const auto stored = Stored();
  ASSERT_TRUE(stored) << stored.error().Text();
  EXPECT_EQ(stored->spec.hash, spec_.hash);
  EXPECT_EQ(stored->spec.file, file);
}

TEST_F(ResumeTest, TheManifestNamesEverythingByContent) {
  SetBaseline();
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result && result->best);
  auto json = result->manifest;
  EXPECT_EQ(json["candidate"]["configuration"], "A=3 B=30");
  EXPECT_EQ(json["baseline"]["configuration"], "-");
  const auto missing = ParseManifest(json.dump(), "m.json");  // the simulated device draws no inputs
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().key, "judgement.input_seed");
  json["judgement"]["input_seed"] = "00000000000000ff";
  const auto manifest = ParseManifest(json.dump(), "m.json");
  ASSERT_TRUE(manifest) << manifest.error().Text();
  EXPECT_EQ(manifest->input_seed, 255u);
  EXPECT_EQ(manifest->spec_hash, spec_.hash);
  EXPECT_TRUE(*store_->FindCandidate(manifest->baseline_hash));
  EXPECT_EQ(ParseManifest("[]", "m.json").error().key, "--manifest");
  json["kopt"] = 2;
  EXPECT_EQ(ParseManifest(json.dump(), "m.json").error().key, "kopt");
  EXPECT_EQ(Differences({{"a", 1}, {"b", "x"}}, {{"a", 1}, {"b", "y"}, {"c", 2}}),
            (std::vector<std::string>{"b: x, now y", "c: not known, now 2"}));
}

}  // namespace
}  // namespace kopt
