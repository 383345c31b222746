// Does a candidate remember its inputs?
#include "verifier/core/unseen_inputs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace kopt {
namespace {

constexpr int kAll = UnseenInputs::kBatches + UnseenInputs::kMoreBatches;

std::vector<double> Times(std::mt19937_64& random, int count, double seconds, double noise) {
  std::normal_distribution<double> normal(0, noise);
  std::vector<double> times;
  for (int i = 0; i < count; ++i) times.push_back(seconds * std::exp(normal(random)));
  return times;
}

TEST(UnseenInputsTest, WhatIsSlowOnNewInputsRemembers) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const auto seen = Times(random, 60, 10e-6, 0.01);
    EXPECT_TRUE(CompareUnseen(seen, Times(random, UnseenInputs::kBatches, 11e-6, 0.01)).IsSuspicious());
    const UnseenInputs found = CompareUnseen(seen, Times(random, kAll, 11e-6, 0.01));
    EXPECT_TRUE(found.IsCertain());
    EXPECT_NEAR(found.ratio, 1.1, 0.01);
  }
}

// Half of the calls are fast: the average is what is reported, and what new inputs are held against.
TEST(UnseenInputsTest, RememberingNowAndThenIsSeenToo) {
  std::mt19937_64 random(2);
  auto seen = Times(random, 30, 10e-6, 0.002);
  const auto slow = Times(random, 30, 11e-6, 0.002);
  seen.insert(seen.end(), slow.begin(), slow.end());
  EXPECT_TRUE(CompareUnseen(seen, Times(random, kAll, 11e-6, 0.002)).IsCertain());
}

TEST(UnseenInputsTest, NoiseIsNoMemory) {
  std::mt19937_64 random(3);
  int suspicious = 0;
  int certain = 0;
  for (int i = 0; i < 2000; ++i) {
    const double noise = i % 2 == 0 ? 0.005 : 0.1;
    const auto seen = Times(random, 60, 10e-6, noise);
    const auto unseen = Times(random, kAll, 10e-6, noise);
    const std::span<const double> first(unseen.data(), UnseenInputs::kBatches);
    const bool asked = CompareUnseen(seen, first).IsSuspicious();
    suspicious += asked;
    certain += asked && CompareUnseen(seen, unseen).IsCertain();
  }
  EXPECT_LT(suspicious, 100);
  EXPECT_EQ(certain, 0);
}

TEST(UnseenInputsTest, FewBatchesProveNothing) {
  const std::vector<double> seen = {1, 1, 1}, few = {2, 2, 2};
  EXPECT_FALSE(CompareUnseen(seen, few).IsSuspicious());
  EXPECT_FALSE(CompareUnseen(seen, {}).IsCertain());
  EXPECT_EQ(CompareUnseen({}, few).slower, 0);
}

}  // namespace
}  // namespace kopt
