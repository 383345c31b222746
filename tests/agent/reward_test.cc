#include "agent/reward.h"

#include <gtest/gtest.h>

#include <limits>

namespace kopt {
namespace {

TEST(Reward, DrKernelAddsSpeedupAndCoverage) {
  EXPECT_EQ(RewardOf(Reward::kDrKernel, {.outcome = Outcome::kMeasured, .speedup = 2.5, .coverage = 0.75}), 4.25);
}

TEST(Reward, SolAddsTheFractionOfTheSpeedOfLight) {
  EXPECT_EQ(RewardOf(Reward::kSol, {.outcome = Outcome::kMeasured, .speedup = 2.5, .sol_fraction = 0.5}), 1.5);
}

TEST(Reward, WhatIsNotCorrectIsWorthNothing) {
  for (const Outcome outcome : {Outcome::kRejected, Outcome::kMismatch, Outcome::kQuarantined}) {
    const Verdict verdict{.outcome = outcome, .speedup = 9, .sol_fraction = 1, .coverage = 1};
    EXPECT_EQ(RewardOf(Reward::kDrKernel, verdict), 0);
    EXPECT_EQ(RewardOf(Reward::kSol, verdict), 0);
  }
}

TEST(Reward, WhatIsNotKnownCountsNothing) {
  const Verdict noisy{.outcome = Outcome::kMeasured, .remark = "noisy"};
  EXPECT_EQ(RewardOf(Reward::kDrKernel, noisy), 1);
  EXPECT_EQ(RewardOf(Reward::kSol, noisy), 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(RewardOf(Reward::kDrKernel, {.outcome = Outcome::kMeasured, .speedup = nan, .coverage = 1}), 2);
}

TEST(Reward, NamesAreReadBack) {
  for (const Reward reward : {Reward::kDrKernel, Reward::kSol}) EXPECT_EQ(ParseReward(Name(reward)), reward);
}

TEST(Reward, AnUnknownNameIsAUsageErrorWithTheNearest) {
  const auto reward = ParseReward("drkernl");
  ASSERT_FALSE(reward);
  EXPECT_EQ(reward.error().exit, Exit::kUsage);
  EXPECT_EQ(reward.error().Text(), "there is no reward `drkernl`; did you mean `drkernel`?");
  EXPECT_EQ(ParseReward("tokens").error().hint, "it can be `drkernel`, `sol`");
}

}  // namespace
}  // namespace kopt
