// The acceptance rule's promises, on simulated machines with fixed seeds. bench/acceptance.cc prints the whole table.
#include <gtest/gtest.h>

#include "tests/verifier/timing_simulator.h"

namespace kopt {
namespace {

constexpr int kConfirmations = 2000;
constexpr int kOnePercent = kConfirmations / 100;

class AcceptanceTest : public testing::TestWithParam<NoiseModel> {};

TEST_P(AcceptanceTest, EqualKernelsAreRarelyCalledFasterOrSlower) {
  const Tally tally = Repeat(GetParam(), {}, kConfirmations, 11);
  EXPECT_LE(tally.faster, kOnePercent);
  EXPECT_LE(tally.slower, kOnePercent);
}

TEST_P(AcceptanceTest, EqualKernelsAreRarelyCalledFasterOrSlowerOverThreeShapes) {
  const Tally tally = Repeat(GetParam(), {.shapes = 3}, kConfirmations / 2, 12);
  EXPECT_LE(tally.faster, kOnePercent / 2);
  EXPECT_LE(tally.slower, kOnePercent / 2);
}

TEST_P(AcceptanceTest, TheIntervalHoldsTheTruth) {
  if (GetParam().process_spread > kProcessSpread) GTEST_SKIP() << "processes further apart than the rule expects";
  const Tally tally = Repeat(GetParam(), {.slowdown = 1.05}, kConfirmations, 13);
  EXPECT_GE(tally.covered, 0.98 * tally.Estimated());
}

INSTANTIATE_TEST_SUITE_P(Noise, AcceptanceTest, testing::ValuesIn(NoiseModels()), [](const auto& info) {
  std::string name;
  for (char c : info.param.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

void ExpectFound(const NoiseModel& model, int shapes) {
  const Tally slow = Repeat(model, {.slowdown = 1.02, .shapes = shapes}, kConfirmations, 14);
  EXPECT_GE(slow.slower, 0.95 * kConfirmations);
  EXPECT_EQ(slow.faster, 0);
  const Tally fast = Repeat(model, {.slowdown = 1 / 1.02, .shapes = shapes}, kConfirmations, 15);
  EXPECT_GE(fast.faster, 0.95 * kConfirmations);
  EXPECT_EQ(fast.slower, 0);
}

TEST(PowerTest, TwoPercentAreFoundAtOnePercentNoise) { ExpectFound({.name = "", .batch = 0.01}, 1); }

TEST(PowerTest, TwoPercentAreFoundAtOnePercentNoiseAndProcessesApart) {
  ExpectFound({.name = "", .batch = 0.01, .process_spread = 0.003}, 1);
}

TEST(PowerTest, TwoPercentAreFoundWithHeavyTails) {
  ExpectFound({.name = "", .batch = 0.01, .heavy_tails = true, .process_spread = 0.003}, 1);
}

TEST(PowerTest, TwoPercentAreFoundOverThreeShapesWithinTheSharedTime) {
  const NoiseModel model{.name = "", .batch = 0.01, .process_spread = 0.003};
  const SimulatedComparison comparison{.slowdown = 1.02, .shapes = 3, .rule = ConfirmationRule(15.0 / 9)};
  EXPECT_GE(Repeat(model, comparison, kConfirmations, 16).slower, 0.95 * kConfirmations);
}

// What SmallestDifference promises is what the rule delivers.
TEST(PowerTest, TheSmallestDifferenceIsFoundAndHalfOfItIsNot) {
  const NoiseModel model{.name = "", .batch = 0.02, .process_spread = 0.003};
  std::vector<double> ratios;
  SimulatedProcess machine(model, 3);
  for (int i = 0; i < 500; ++i) ratios.push_back(LogRatio(machine.Sample(1, 0.02)));
  const double smallest = SmallestDifference(ratios, 24);
  const StoppingRule rule{.least_quads = 24};
  EXPECT_GE(Repeat(model, {.slowdown = 1 + smallest, .rule = rule}, 1000, 17).slower, 920);
  EXPECT_LE(Repeat(model, {.slowdown = 1 + smallest / 2, .rule = rule}, 1000, 18).slower, 400);
}

}  // namespace
}  // namespace kopt
