#include "agent/report/sensitivity.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

const std::vector<Tunable> kTunables = {
    {.name = "A", .values = {4, 1, 2}}, {.name = "B", .values = {10, 20}}, {.name = "C", .values = {7}}};

Tried Measured(long long a, long long b, double speedup) {
  return {.configuration = {{"A", a}, {"B", b}, {"C", 7}}, .speedup = speedup};
}
Tried Failed(long long a, long long b, Outcome outcome) {
  return {.configuration = {{"A", a}, {"B", b}, {"C", 7}}, .outcome = outcome};
}

TEST(Sensitivity, LossIsAgainstTheFastest) {
  const auto result = SensitivityOf(kTunables,
                                    {Measured(4, 10, 1.0), Measured(4, 20, 1.5), Measured(1, 10, 1.8),
                                     Measured(1, 20, 2.0), Failed(2, 10, Outcome::kMismatch)},
                                    {{"A", 1}, {"B", 20}, {"C", 7}});
  EXPECT_EQ(result.fastest, 2.0);
  ASSERT_EQ(result.tunables.size(), 2U) << "a tunable with one value has nothing to say";
  const TunableEffect& a = result.tunables[0];
  EXPECT_EQ(a.name, "A") << "it matters more";
  EXPECT_DOUBLE_EQ(a.loss, 0.25);
  ASSERT_EQ(a.values.size(), 3U);
  EXPECT_EQ(a.values[0].value, 1);
  EXPECT_TRUE(a.values[0].chosen);
  EXPECT_EQ(a.values[0].best, 2.0);
  EXPECT_EQ(a.values[0].measured, 2);
  EXPECT_FALSE(a.values[0].change);

  EXPECT_EQ(a.values[1].value, 2);
  EXPECT_EQ(a.values[1].measured, 0);
  EXPECT_EQ(a.values[1].tried(), 1);
  EXPECT_EQ(a.values[1].others, (OutcomeCounts{{Outcome::kMismatch, 1}}));
  EXPECT_FALSE(a.values[1].best);
  EXPECT_FALSE(Loss(a.values[1], result.fastest));
  EXPECT_FALSE(a.values[1].failed) << "2, 20 was not tried";

  EXPECT_DOUBLE_EQ(*Loss(a.values[2], result.fastest), 0.25);
  EXPECT_DOUBLE_EQ(*a.values[2].change, 1.5 / 2.0 - 1);
  const TunableEffect& b = result.tunables[1];
  EXPECT_EQ(b.name, "B");
  EXPECT_DOUBLE_EQ(b.loss, 0.1);
  EXPECT_DOUBLE_EQ(*b.values[0].change, 1.8 / 2.0 - 1);
}

TEST(Sensitivity, ANeighbourMayFailOrBeFaster) {
  const auto result = SensitivityOf(
      kTunables,
      {Measured(1, 10, 1.0), Measured(1, 20, 1.1), Failed(4, 10, Outcome::kCrashed), Failed(2, 10, Outcome::kMeasured)},
      {{"A", 1}, {"B", 10}, {"C", 7}});
  ASSERT_EQ(result.tunables.size(), 2U);
  EXPECT_EQ(result.tunables[0].name, "B");
  EXPECT_NEAR(*result.tunables[0].values[1].change, 0.1, 1e-12);
  EXPECT_EQ(result.tunables[1].values[1].failed, Outcome::kMeasured) << "noisy";
  EXPECT_EQ(result.tunables[1].values[2].failed, Outcome::kCrashed);
}

TEST(Sensitivity, NothingMeasuredSaysNothing) {
  EXPECT_TRUE(SensitivityOf(kTunables, {}, {}).tunables.empty());
  EXPECT_TRUE(SensitivityOf(kTunables, {Failed(1, 10, Outcome::kTimeout)}, {}).tunables.empty());
  EXPECT_TRUE(SensitivityOf({}, {Measured(1, 10, 2)}, {}).tunables.empty());
}

TEST(Sensitivity, OfTwoTrialsTheLaterCounts) {
  const auto result = SensitivityOf(kTunables, {Measured(1, 10, 9), Measured(1, 10, 2), Measured(4, 10, 1)},
                                    {{"A", 1}, {"B", 10}, {"C", 7}});
  EXPECT_EQ(result.fastest, 2.0);
  EXPECT_EQ(result.tunables[0].values[0].measured, 1);
}

TEST(Sensitivity, TheBestNeedNotBeATrial) {
  const auto result = SensitivityOf(kTunables, {Measured(1, 10, 2)}, {{"A", 4}, {"B", 10}, {"C", 7}});
  EXPECT_FALSE(result.tunables[0].values[0].change);
  EXPECT_TRUE(result.tunables[0].values[2].chosen);
}

}  // namespace
}  // namespace kopt
