#include "agent/search/trial_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kopt {
namespace {

EncodedTrial Measured(double at, double log_speedup, double deviation = 0.01) {
  return {.at = {at}, .correct = true, .log_speedup = log_speedup, .deviation = deviation};
}
EncodedTrial Failed(double at) { return {.at = {at}}; }

const std::vector<double> kCertain = {1, 1, 1, 1, 1};

TEST(TrialModelTest, ClimbsWhereItRises) {
  const std::vector<EncodedTrial> trials = {Measured(0, 0), Measured(0.2, 0.2), Measured(0.4, 0.4), Measured(0.6, 0.6)};
  const auto order = MostPromising(trials, std::vector{0.1, 0.3, 0.5, 0.7, 0.8}, kCertain, 1);
  ASSERT_EQ(order.size(), 1U);
  EXPECT_GE(order[0], 3U);
}

TEST(TrialModelTest, ABatchDoesNotCrowd) {
  const std::vector<EncodedTrial> trials = {Measured(0.3, 0), Measured(0.4, 0.3), Measured(0.5, 0)};
  // Two points side by side, and one far away of which nothing is known.
  const auto order = MostPromising(trials, std::vector{0.41, 0.415, 1.0}, std::vector{1.0, 1.0, 1.0}, 2);
  ASSERT_EQ(order.size(), 2U);
  EXPECT_TRUE(order[0] == 2 || order[1] == 2);
}

TEST(TrialModelTest, RanksEveryInputOnceHoweverManyAreAskedFor) {
  const std::vector<EncodedTrial> trials = {Measured(0, 0), Measured(1, 0)};
  auto order = MostPromising(trials, std::vector{0.1, 0.3, 0.5, 0.7, 0.9}, kCertain, 100);
  std::ranges::sort(order);
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2, 3, 4}));
}

TEST(TrialModelTest, WhatWillFailIsNotPromising) {
  const std::vector<EncodedTrial> trials = {Measured(0, 0), Measured(0.5, 0.5)};
  EXPECT_EQ(MostPromising(trials, std::vector{0.6, 0.61}, std::vector{0.01, 1.0}, 1), (std::vector<size_t>{1}));
}

TEST(TrialModelTest, LearnsWhereConfigurationsFail) {
  std::vector<EncodedTrial> trials;
  for (int i = 0; i <= 10; ++i) trials.push_back(i < 6 ? Measured(i / 10.0, 0) : Failed(i / 10.0));
  const auto chances = ChancesOfCorrect(trials, std::vector{0.05, 0.25, 0.55, 0.85, 0.95});
  EXPECT_GT(chances[0], 0.9);
  EXPECT_GT(chances[1], 0.9);
  EXPECT_LT(chances[3], 0.1);
  EXPECT_LT(chances[4], 0.1);
  EXPECT_GT(chances[2], chances[3]);
  EXPECT_GT(chances[4], 0);
}

TEST(TrialModelTest, WithoutFailuresEverythingIsProbablyCorrect) {
  EXPECT_EQ(ChancesOfCorrect({Measured(0, 0), {.at = {0.5}, .correct = true}}, kCertain), kCertain);
}

TEST(TrialModelTest, AnUncertainFigureWeighsLess) {
  // The same high figure once measured well, once badly; the rest is flat.
  const auto figures = [](double left, double right) {
    return std::vector<EncodedTrial>{Measured(0, 0), Measured(0.2, 0.3, left), Measured(0.5, 0),
                                     Measured(0.8, 0.3, right), Measured(1, 0)};
  };
  const std::vector<double> inputs = {0.22, 0.78};
  EXPECT_EQ(MostPromising(figures(0.001, 1), inputs, std::vector{1.0, 1.0}, 1), (std::vector<size_t>{0}));
  EXPECT_EQ(MostPromising(figures(1, 0.001), inputs, std::vector{1.0, 1.0}, 1), (std::vector<size_t>{1}));
}

TEST(TrialModelTest, WhatIsBeingTriedIsTakenAsMeasured) {
  std::vector<EncodedTrial> trials = {Measured(0, 0), Measured(0.5, 0.5), Measured(1, 0)};
  const std::vector<double> inputs = {0.3, 0.56, 0.6};
  const std::vector<double> certain = {1, 1, 1};
  const size_t best = MostPromising(trials, inputs, certain, 1).front();
  trials.push_back({.at = {inputs[best]}, .correct = true, .pending = true});
  EXPECT_NE(MostPromising(trials, inputs, certain, 1).front(), best);
}

TEST(TrialModelTest, SurvivesOddFigures) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::vector<EncodedTrial>> odd = {
      {Measured(0, 0)},
      {Measured(0, 0), Measured(0, 0)},
      {Measured(0, 0, infinity), Measured(1, 1, nan), Measured(0.5, 0.5, -1)},
      {Measured(0, 700), Measured(1, -700)},
  };
  for (const auto& trials : odd)
    EXPECT_EQ(MostPromising(trials, std::vector{0.1, 0.3, 0.5, 0.7, 0.9}, kCertain, 3).size(), 3U);
}

}  // namespace
}  // namespace kopt
