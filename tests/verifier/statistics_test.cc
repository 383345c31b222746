#include "verifier/core/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/verifier/timing_simulator.h"

namespace kopt {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Quad Even(double a, double b) { return {a, b, b, a}; }

// n quads of a candidate `speedup` times as fast, alternately `scatter` above and below.
std::vector<Quad> Quads(int n, double speedup, double scatter) {
  std::vector<Quad> quads;
  for (int i = 0; i < n; ++i) quads.push_back(Even(1, speedup * (1 + (i % 2 ? scatter : -scatter))));
  return quads;
}

Estimate Of(double speedup, double deviation, double degrees = 20) {
  const double half = 2.845 * deviation;
  return {speedup, {speedup * std::exp(-half), speedup * std::exp(half)}, 21, deviation, degrees};
}

TEST(LogRatioTest, IsPositiveWhereTheCandidateIsFaster) {
  EXPECT_DOUBLE_EQ(LogRatio(Even(1, 2)), std::log(2.0));
  EXPECT_DOUBLE_EQ(LogRatio(Even(2, 1)), -std::log(2.0));
}

TEST(LogRatioTest, LinearDriftCancels) { EXPECT_NEAR(LogRatio({1.000, 1.001, 1.002, 1.003}), 0, 2e-6); }

TEST(LogRatioTest, ABatchWithoutPositiveTimeHasNone) {
  for (double bad : {0.0, -1e-9, kNan, kInfinity}) {
    EXPECT_TRUE(std::isnan(LogRatio({bad, 1, 1, 1})));
    EXPECT_TRUE(std::isnan(LogRatio({1, bad, 1, 1})));
    EXPECT_TRUE(std::isnan(LogRatio({1, 1, bad, 1})));
    EXPECT_TRUE(std::isnan(LogRatio({1, 1, 1, bad})));
  }
}

TEST(EstimateRatioTest, NeedsTwoFiniteValues) {
  EXPECT_FALSE(EstimateRatio({}));
  EXPECT_FALSE(EstimateRatio(std::vector{0.1}));
  EXPECT_FALSE(EstimateRatio(std::vector{0.1, 0.1, kNan}));
  EXPECT_FALSE(EstimateRatio(std::vector{0.1, kInfinity}));
  EXPECT_TRUE(EstimateRatio(std::vector{0.1, 0.2}));
}

TEST(EstimateRatioTest, UsesStudentsTUnderTwentyQuads) {
  const std::vector<double> ratios = {0.01, 0.02, 0.03, 0.04, 0.05};  // mean 0.03, standard deviation 0.015811
  const auto estimate = EstimateRatio(ratios);
  ASSERT_TRUE(estimate);
  const double half = 4.604 * 0.0158113883 / std::sqrt(5.0);
  EXPECT_NEAR(estimate->speedup, std::exp(0.03), 1e-9);
  EXPECT_NEAR(estimate->interval.low, std::exp(0.03 - half), 1e-6);
  EXPECT_NEAR(estimate->interval.high, std::exp(0.03 + half), 1e-6);
  EXPECT_EQ(estimate->quads, 5);
  EXPECT_EQ(estimate->degrees, 4);
}

TEST(EstimateRatioTest, EqualValuesGiveAPoint) {
  const auto estimate = EstimateRatio(std::vector<double>(30, 0.5));
  EXPECT_DOUBLE_EQ(estimate->interval.low, std::exp(0.5));
  EXPECT_DOUBLE_EQ(estimate->interval.high, std::exp(0.5));
}

TEST(EstimateRatioTest, NeighboursThatAgreeWidenTheInterval) {
  std::vector<double> alternating, in_runs;
  for (int i = 0; i < 48; ++i) {
    alternating.push_back(i % 2 ? 0.01 : -0.01);
    in_runs.push_back(i / 6 % 2 ? 0.01 : -0.01);
  }
  const double independent = EstimateRatio(alternating)->deviation;
  EXPECT_NEAR(independent, 0.01 / std::sqrt(47.0), 1e-6);
  EXPECT_GT(EstimateRatio(in_runs)->deviation, 1.5 * independent);
}

TEST(CombineShapesTest, IsTheGeometricMeanWithIndependentVariances) {
  const auto combined = CombineShapes(std::vector{Of(2, 0.03), Of(8, 0.04)});
  ASSERT_TRUE(combined);
  EXPECT_NEAR(combined->speedup, 4, 1e-9);
  EXPECT_NEAR(combined->deviation, 0.025, 1e-9);
  EXPECT_EQ(combined->quads, 42);
  EXPECT_FALSE(CombineShapes({}));
}

TEST(CombineShapesTest, OneShapeStaysAsItIs) {
  const auto combined = CombineShapes(std::vector{Of(1.5, 0.01)});
  EXPECT_NEAR(combined->interval.low, Of(1.5, 0.01).interval.low, 1e-9);
  EXPECT_NEAR(combined->degrees, 20, 1e-9);
}

TEST(CombineProcessesTest, NeverAssumesThatProcessesAgreeExactly) {
  const auto combined = CombineProcesses(std::vector{Of(1, 0), Of(1, 0), Of(1, 0)});
  ASSERT_TRUE(combined);
  EXPECT_NEAR(combined->interval.high, std::exp(2.5758 * kProcessSpread / std::sqrt(3.0)), 1e-5);
  EXPECT_FALSE(CombineProcesses({}));
}

TEST(CombineProcessesTest, HoldsEveryProcessesMean) {
  const auto combined = CombineProcesses(std::vector{Of(1.000, 0.0001), Of(1.000, 0.0001), Of(1.008, 0.0001)});
  EXPECT_LE(combined->interval.low, 1.000);
  EXPECT_GE(combined->interval.high, 1.008);
}

TEST(CombineProcessesTest, ProcessesThatDisagreeGiveTheUnion) {
  const auto combined = CombineProcesses(std::vector{Of(1.00, 0.001), Of(1.05, 0.001), Of(1.02, 0.001)});
  EXPECT_LE(combined->interval.low, Of(1.00, 0.001).interval.low);
  EXPECT_GE(combined->interval.high, Of(1.05, 0.001).interval.high);
  EXPECT_EQ(Judge(combined->interval), Comparative::kCannotTell);
}

TEST(JudgeTest, NeedsTheWholeIntervalBeyondTheMinimumEffect) {
  EXPECT_EQ(Judge({1.011, 1.2}), Comparative::kFaster);
  EXPECT_EQ(Judge({1.009, 1.2}), Comparative::kCannotTell);
  EXPECT_EQ(Judge({1.001, 1.009}), Comparative::kSame);
  EXPECT_EQ(Judge({0.8, 0.98}), Comparative::kSlower);
  EXPECT_EQ(Judge({0.8, 0.995}), Comparative::kCannotTell);
  EXPECT_EQ(Judge({0.5, 2}), Comparative::kCannotTell);
  EXPECT_EQ(Judge({kNan, kNan}), Comparative::kCannotTell);
  EXPECT_EQ(Judge({1.5, kInfinity}), Comparative::kCannotTell);
}

TEST(JudgeTest, Names) {
  EXPECT_EQ(Name(Comparative::kFaster), "faster");
  EXPECT_EQ(Name(Comparative::kSlower), "slower");
  EXPECT_EQ(Name(Comparative::kSame), "same");
  EXPECT_EQ(Name(Comparative::kCannotTell), "cannot tell");
}

TEST(DropDisturbedTest, DropsTheWholeQuadOfOneSlowBatch) {
  std::vector<Quad> quads = Quads(16, 1.5, 0.002);
  quads[3].a2 *= 1.4;
  quads[9].b1 *= 1.4;
  const auto kept = DropDisturbed(quads);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), 14u);
  for (const Quad& quad : *kept) EXPECT_EQ(quad.a1, quad.a2);
}

TEST(DropDisturbedTest, KeepsSmallDifferencesHoweverSteadyTheRest) {
  std::vector<Quad> quads(16, Even(1, 1));
  quads[0].a1 = 1.002;
  EXPECT_EQ(DropDisturbed(quads)->size(), 16u);
}

TEST(DropDisturbedTest, RefusesWhenMoreThanHalfWouldGo) {
  std::vector<Quad> quads = Quads(15, 1, 0.002);
  for (int i = 0; i < 7; ++i) (i < 4 ? quads[i].a1 : quads[i].b1) *= 2 + i;
  EXPECT_TRUE(DropDisturbed(quads));
  quads[7].b2 *= 3;
  EXPECT_FALSE(DropDisturbed(quads));
}

TEST(DropDisturbedTest, RefusesWhenOneSideAloneIsRestless) {
  std::vector<Quad> quads = Quads(16, 1, 0.002);
  for (int i = 0; i < 5; ++i) quads[3 * i].a1 *= 1.5;
  EXPECT_EQ(DropDisturbed(quads)->size(), 11u);
  quads[1].a2 *= 1.5;
  EXPECT_FALSE(DropDisturbed(quads));
}

TEST(DropDisturbedTest, TooFewQuadsShowNoOutliers) {
  std::vector<Quad> quads = Quads(5, 1, 0.001);
  quads[2].a1 = 2;
  EXPECT_EQ(DropDisturbed(quads)->size(), 5u);
  EXPECT_TRUE(DropDisturbed({})->empty());
}

TEST(DropDisturbedTest, TimesThatAreNotPositiveAlwaysGo) {
  std::vector<Quad> quads = Quads(4, 1, 0.001);
  quads[2].b1 = -1e-6;
  EXPECT_EQ(DropDisturbed(quads)->size(), 3u);
  quads[0].b1 = quads[1].a1 = 0;
  EXPECT_FALSE(DropDisturbed(quads));
}

TEST(NoiseTest, IsTheScatterOfOneBatch) {
  NoiseModel model{.name = "", .batch = 0.01};
  SimulatedProcess machine(model, 7);
  std::vector<Quad> quads;
  for (int i = 0; i < 2000; ++i) quads.push_back(machine.Sample(1.3, 0.02));
  EXPECT_NEAR(Noise(quads), 0.01, 0.0005);
  EXPECT_EQ(Noise({}), 0);
  quads[5].a1 = 0;
  EXPECT_NEAR(Noise(quads), 0.01, 0.0005);
}

std::vector<ShapeSamples> ThreeProcesses(double speedup, double scatter) {
  std::vector<ShapeSamples> samples;
  for (int process = 0; process < 3; ++process) {
    for (int shape = 0; shape < 2; ++shape) {
      samples.push_back({.shape = shape, .process = process, .quads = Quads(12, speedup, scatter)});
    }
  }
  return samples;
}

TEST(AssessTest, CombinesShapesAndProcesses) {
  const Assessment assessment = Assess(ThreeProcesses(1.5, 0.002));
  ASSERT_TRUE(assessment.estimate);
  EXPECT_NEAR(assessment.estimate->speedup, 1.5, 1e-4);
  EXPECT_EQ(assessment.estimate->quads, 72);
  EXPECT_EQ(Judge(assessment.estimate->interval), Comparative::kFaster);
  EXPECT_FALSE(assessment.noisy);
  EXPECT_EQ(assessment.dropped, 0);
}

TEST(AssessTest, AProcessThatLacksAShapeGivesNoEstimate) {
  auto samples = ThreeProcesses(1.5, 0.002);
  samples.pop_back();
  EXPECT_FALSE(Assess(samples).estimate);
  EXPECT_FALSE(Assess({}).estimate);
}

TEST(AssessTest, AShapeWithOneQuadGivesNoEstimate) {
  auto samples = ThreeProcesses(1.5, 0.002);
  samples[1].quads.resize(1);
  EXPECT_FALSE(Assess(samples).estimate);
  EXPECT_FALSE(Assess(samples).noisy);
}

TEST(AssessTest, MoreThanAQuarterOfTheQuadsDisturbedIsNoisy) {
  auto samples = ThreeProcesses(1.5, 0.002);
  for (ShapeSamples& sample : samples) sample.quads[0].a1 *= 2, sample.quads[5].b2 *= 2, sample.quads[8].a2 *= 3;
  EXPECT_FALSE(Assess(samples).noisy);
  EXPECT_EQ(Assess(samples).dropped, 18);
  samples.front().quads[3].b1 *= 2;
  EXPECT_TRUE(Assess(samples).noisy);
  EXPECT_FALSE(Assess(samples).estimate);
}

TEST(StoppingRuleTest, ScreeningTakesEightQuads) {
  const StoppingRule rule = CpuScreening();
  EXPECT_FALSE(rule.Done(std::vector<double>(7, 0.0), 9, 9, 0));
  EXPECT_TRUE(rule.Done(std::vector<double>(8, 0.0), 0.1, 0.1, 0));
}

TEST(StoppingRuleTest, ScreeningEndsEarlyOnlyWhenTheCandidateLooksWorse) {
  const StoppingRule rule = CpuScreening();
  EXPECT_TRUE(rule.Done(std::vector{-0.30, -0.31, -0.29}, 0.1, 0.1, 0));
  EXPECT_FALSE(rule.Done(std::vector{-0.30, -0.31}, 0.1, 0.1, 0));
  EXPECT_FALSE(rule.Done(std::vector{0.30, 0.31, 0.29}, 0.1, 0.1, 0));
  EXPECT_FALSE(rule.Done({}, 0, 0, 0));
}

TEST(StoppingRuleTest, ScreeningEndsEarlyBelowTheBestSoFar) {
  const StoppingRule rule = CpuScreening(2);
  EXPECT_TRUE(rule.Done(std::vector{0.30, 0.31, 0.29}, 0.1, 0.1, 0));
  EXPECT_FALSE(rule.Done(std::vector{0.69, 0.70, 0.71}, 0.1, 0.1, 0));
  EXPECT_FALSE(rule.Done(std::vector{0.80, 0.81, 0.79}, 0.1, 0.1, 0));
}

TEST(StoppingRuleTest, ConfirmationStopsAtANarrowIntervalWhateverItSays) {
  const StoppingRule rule = ConfirmationRule(5);
  for (double ratio : {-0.5, 0.0, 0.5}) {
    EXPECT_TRUE(rule.Done(std::vector<double>(8, ratio), 0.1, 0.1, 0));
    EXPECT_FALSE(rule.Done(std::vector<double>(7, ratio), 0.1, 0.1, 0));
  }
}

TEST(StoppingRuleTest, ConfirmationOfNoisyQuadsNeedsTimeAndNumber) {
  const StoppingRule rule = ConfirmationRule(5);
  std::vector<double> ratios;
  for (int i = 0; i < 24; ++i) ratios.push_back(i % 2 ? 0.02 : -0.02);
  EXPECT_TRUE(rule.Done(ratios, 0.6, 0.6, 0));
  EXPECT_FALSE(rule.Done(ratios, 0.6, 0.4, 0));
  ratios.pop_back();
  EXPECT_FALSE(rule.Done(ratios, 0.6, 0.6, 0));
}

TEST(StoppingRuleTest, TheTimeLimitEndsAnything) {
  const StoppingRule rule = ConfirmationRule(5);
  EXPECT_TRUE(rule.Done(std::vector{0.1, -0.1, 0.1}, 3, 2, 5));
  EXPECT_FALSE(rule.Done(std::vector{0.1, -0.1}, 30, 20, 50));
}

TEST(SmallestDifferenceTest, IsWhatAConfirmationFinds) {
  std::vector<double> ratios;
  for (int i = 0; i < 24; ++i) ratios.push_back(i % 2 ? 0.01 : -0.01);
  const double at_one_percent = SmallestDifference(ratios, 24);
  EXPECT_GT(at_one_percent, 0.018);
  EXPECT_LT(at_one_percent, 0.020);
  EXPECT_LT(SmallestDifference(ratios, 100), at_one_percent);
  EXPECT_GT(SmallestDifference(std::vector<double>(24, 0.0), 24), kMinimumEffect);
  EXPECT_EQ(SmallestDifference(std::vector{0.1}, 24), kInfinity);
  EXPECT_EQ(SmallestDifference(ratios, 1), kInfinity);
}

TEST(MedianTest, OddEvenAndNone) {
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(Median({}), 0);
}

TEST(GeometricMeanTest, OfValuesAndOfNone) {
  EXPECT_NEAR(GeometricMean(std::vector{1.0, 4.0}), 2, 1e-12);
  EXPECT_EQ(GeometricMean({}), 1);
}

TEST(Alone, DisturbedFromTwoPercentOn) {
  EXPECT_FALSE(AreDisturbed(100, 101.9));
  EXPECT_FALSE(AreDisturbed(100, 98.1));
  EXPECT_TRUE(AreDisturbed(100, 102.1));
  EXPECT_TRUE(AreDisturbed(100, 97.9));
  EXPECT_TRUE(AreDisturbed(0, 0)) << "no number";
}

TEST(Alone, TheFactorsHoldWhatEachTakesAlone) {
  // The candidate slows down what runs beside it by a tenth, and the chip stays so.
  Interval factors = AloneFactors({.baseline_before = 20,
                                   .baseline_beside = 22,
                                   .baseline_after = 22,
                                   .candidate_beside = 20,
                                   .candidate_alone = 20});
  EXPECT_DOUBLE_EQ(factors.low, 20.0 / 22);
  EXPECT_DOUBLE_EQ(factors.high, 1);
  // It is slower where nothing cools the chip between its calls.
  factors = AloneFactors({.baseline_before = 20,
                          .baseline_beside = 21,
                          .baseline_after = 20,
                          .candidate_beside = 10,
                          .candidate_alone = 11});
  EXPECT_DOUBLE_EQ(factors.low, 20.0 / 11 / 2.1);
  EXPECT_DOUBLE_EQ(factors.high, 1);
  // Being faster alone counts for nothing; a baseline that is slower alone widens upwards.
  factors = AloneFactors({.baseline_before = 22,
                          .baseline_beside = 20,
                          .baseline_after = 20,
                          .candidate_beside = 10,
                          .candidate_alone = 5});
  EXPECT_DOUBLE_EQ(factors.low, 1);
  EXPECT_DOUBLE_EQ(factors.high, 1.1);
}

}  // namespace
}  // namespace kopt
