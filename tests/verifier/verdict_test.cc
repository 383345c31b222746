#include "verifier/core/verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "verifier/core/judged.h"

namespace kopt {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(VerdictTest, EveryOutcomeHasItsNameAndBack) {
  const std::vector<std::string> names = {"rejected", "compile_error", "launch_error", "crashed", "timeout",
                                          "mismatch", "unsafe",        "quarantined",  "measured"};
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(Name(static_cast<Outcome>(i)), names[i]);
    EXPECT_EQ(ParseOutcome(names[i]), static_cast<Outcome>(i));
  }
  EXPECT_EQ(ParseOutcome("Measured"), std::nullopt);
  EXPECT_EQ(ParseOutcome(""), std::nullopt);
}

TEST(VerdictTest, EveryStageHasItsNameAndBack) {
  const std::vector<std::string> names = {"parse", "screen", "compile", "load", "check", "measure", "profile"};
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(Name(static_cast<Stage>(i)), names[i]);
    EXPECT_EQ(ParseStage(names[i]), static_cast<Stage>(i));
  }
  EXPECT_EQ(ParseStage("run"), std::nullopt);
}

TEST(VerdictTest, DocumentOfAMeasuredCandidate) {
  Verdict verdict;
  verdict.outcome = Outcome::kMeasured;
  verdict.stage = Stage::kMeasure;
  verdict.time_us = 12.5;
  verdict.baseline_us = 25.0;
  verdict.speedup = 2.0;
  verdict.speedup_interval = Interval{1.96, 2.04};
  verdict.sol_fraction = 0.5;
  verdict.coverage = 1.0;
  verdict.confirmed = true;
  verdict.evidence["noise"] = 0.004;
  verdict.stage_seconds = {{"compile", 0.5}, {"measure", 1.5}};
  EXPECT_EQ(verdict.Json().dump(),
            R"({"kopt":1,"outcome":"measured","correct":true,"reason":null,"time_us":12.5,"baseline_us":25.0,)"
            R"("speedup":2.0,"speedup_interval":[1.96,2.04],"sol_fraction":0.5,"coverage":1.0,)"
            R"("evidence":{"noise":0.004},"stage":"measure","remark":null,"confirmed":true,)"
            R"("seconds":{"compile":0.5,"measure":1.5}})");
}

TEST(VerdictTest, DocumentOfARejectedCandidateHasNullsForWhatIsNotKnown) {
  Verdict verdict;
  verdict.reason = "`launch` is for the cuda target.";
  EXPECT_EQ(verdict.Json().dump(),
            R"({"kopt":1,"outcome":"rejected","correct":false,"reason":"`launch` is for the cuda target.",)"
            R"("time_us":null,"baseline_us":null,"speedup":null,"speedup_interval":null,"sol_fraction":null,)"
            R"("coverage":null,"evidence":{},"stage":"parse","remark":null,"confirmed":false,"seconds":{}})");
}

TEST(VerdictTest, OnlyMeasuredIsCorrect) {
  for (int i = 0; i <= static_cast<int>(Outcome::kMeasured); ++i) {
    Verdict verdict;
    verdict.outcome = static_cast<Outcome>(i);
    EXPECT_EQ(verdict.Json()["correct"], verdict.outcome == Outcome::kMeasured);
  }
}

TEST(VerdictTest, ANoisyVerdictShowsNoSpeedupEvenIfOneWasLeftBehind) {
  Verdict verdict;
  verdict.outcome = Outcome::kMeasured;
  verdict.remark = "noisy";
  verdict.speedup = 1.5;
  verdict.speedup_interval = Interval{1.4, 1.6};
  verdict.time_us = 3.0;
  const auto json = verdict.Json();
  EXPECT_EQ(json["remark"], "noisy");
  EXPECT_TRUE(json["speedup"].is_null());
  EXPECT_TRUE(json["speedup_interval"].is_null());
  EXPECT_EQ(json["time_us"], 3.0);
}

TEST(VerdictTest, NumbersThatAreNotFiniteBecomeNull) {
  Verdict verdict;
  verdict.time_us = kNan;
  verdict.baseline_us = kInfinity;
  verdict.speedup = -kInfinity;
  verdict.speedup_interval = Interval{1.0, kInfinity};
  verdict.sol_fraction = kNan;
  verdict.coverage = kNan;
  verdict.stage_seconds = {{"check", kNan}};
  verdict.evidence["errors"] = {1.0, kNan, {{"largest", kInfinity}, {"count", 3}}};
  EXPECT_EQ(verdict.Json()["evidence"].dump(), R"({"errors":[1.0,null,{"largest":null,"count":3}]})");
  for (const char* key : {"time_us", "baseline_us", "speedup", "speedup_interval", "sol_fraction", "coverage"}) {
    EXPECT_TRUE(verdict.Json()[key].is_null()) << key;
  }
  EXPECT_TRUE(verdict.Json()["seconds"]["check"].is_null());
}

TEST(VerdictTest, SecondsOfOneStageAdd) {
  Verdict verdict;
  verdict.stage_seconds = {{"check", 0.25}, {"measure", 1.0}, {"check", 0.5}};
  EXPECT_EQ(verdict.Json()["seconds"].dump(), R"({"check":0.75,"measure":1.0})");
}

TEST(VerdictTest, EvidenceIsAlwaysAnObject) {
  Verdict verdict;
  verdict.evidence = nullptr;
  EXPECT_EQ(verdict.Json()["evidence"].dump(), "{}");
}

TEST(VerdictTest, TheIntervalHoldsTheSpeedupOfEachAlone) {
  Verdict verdict;
  verdict.baseline_us = 20;
  for (const int shape : {0, 1}) {
    for (const int process : {0, 1, 2}) {
      verdict.samples.push_back({.shape = shape, .process = process, .quads = std::vector<Quad>(8, {1, 2, 2, 1})});
    }
  }
  const auto beside = FinishVerdict({}, verdict);
  ASSERT_TRUE(beside && beside->speedup_interval);
  verdict.alone = {{1, {.low = 0.64, .high = 1}}};  // of two shapes: the square root
  const auto alone = FinishVerdict({}, verdict);
  ASSERT_TRUE(alone && alone->speedup_interval);
  EXPECT_NEAR(*alone->speedup, 0.8 * *beside->speedup, 1e-9) << "the lowest of them";
  EXPECT_NEAR(alone->speedup_interval->low, 0.8 * beside->speedup_interval->low, 1e-9);
  EXPECT_DOUBLE_EQ(alone->speedup_interval->high, beside->speedup_interval->high);
  verdict.alone = {{0, {.low = 0.4, .high = 1}}, {1, {.low = 0.4, .high = 1}}};
  EXPECT_EQ(FinishVerdict({}, verdict)->evidence["judged"], "cannot tell");
}

}  // namespace
}  // namespace kopt
