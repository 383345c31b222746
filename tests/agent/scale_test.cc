#include "agent/report/scale.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kopt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string Labels(const std::vector<Tick>& ticks) {
  std::string text;
  for (const Tick& tick : ticks) text += (text.empty() ? "" : " ") + tick.label;
  return text;
}

TEST(Scale, MapsAndHolds) {
  const Scale linear{.low = 10, .high = 20, .from = 100, .to = 0};
  EXPECT_DOUBLE_EQ(linear.At(10), 100);
  EXPECT_DOUBLE_EQ(linear.At(12.5), 75);
  EXPECT_DOUBLE_EQ(linear.At(kInfinity), 0);
  EXPECT_DOUBLE_EQ(linear.At(-1), 100);
  const Scale log{.low = 0.1, .high = 1000, .from = 0, .to = 400, .log = true};
  EXPECT_DOUBLE_EQ(log.At(1), 100);
  EXPECT_DOUBLE_EQ(log.At(0), 0);
}

TEST(Scale, LinearTicksAreThoseOfPeople) {
  EXPECT_EQ(Labels(LinearTicks(0, 40, 9)), "0 5 10 15 20 25 30 35 40");
  EXPECT_EQ(Labels(LinearTicks(0, 45, 8)), "0 10 20 30 40");
  EXPECT_EQ(Labels(LinearTicks(0.98, 1.32, 8)), "1.00 1.05 1.10 1.15 1.20 1.25 1.30");
  EXPECT_EQ(Labels(LinearTicks(-0.1, 0.1, 3)), "-0.1 0.0 0.1");
  EXPECT_EQ(Labels(LinearTicks(0, 7e15, 4)), "0 2e15 4e15 6e15");
  EXPECT_EQ(Labels(LinearTicks(0, 3e-12, 4)), "0 1e-12 2e-12 3e-12");
}

TEST(Scale, LogTicksAreThoseOfPeople) {
  EXPECT_EQ(Labels(LogTicks(0.4, 30, 8)), "0.5 1 2 5 10 20");
  EXPECT_EQ(Labels(LogTicks(1, 1000, 12)), "1 2 5 10 20 50 100 200 500 1000");
  EXPECT_EQ(Labels(LogTicks(1, 1000, 8)), "1 10 100 1000");
  EXPECT_EQ(Labels(LogTicks(1e-6, 1e6, 5)), "1e-06 0.001 1 1000 1000000");
  EXPECT_EQ(Labels(LogTicks(6, 8, 8)), "");
}

TEST(Scale, SpeedupsAreLogarithmicWhenTheyDifferMuch) {
  const SpeedupAxis near = SpeedupAxisOf({1.1, 3.9}, 0, 100);
  EXPECT_FALSE(near.scale.log);
  EXPECT_EQ(Labels(near.ticks), "1.0 1.5 2.0 2.5 3.0 3.5 4.0");
  const SpeedupAxis far = SpeedupAxisOf({0.5, 40}, 0, 100);
  EXPECT_TRUE(far.scale.log);
  EXPECT_EQ(Labels(far.ticks), "0.5 1 2 5 10 20");
  EXPECT_LT(far.scale.At(0.5), far.scale.At(40));
  const SpeedupAxis few = SpeedupAxisOf({4.1}, 0, 100);
  EXPECT_EQ(Labels(few.ticks), "0.5 1 2 5");
  EXPECT_GT(few.scale.high, 4.1);
}

TEST(Scale, SpeedupAxesHoldAnything) {
  const std::vector<std::vector<double>> cases = {{},      {1},      {1, 1, 1},       {kInfinity, std::nan(""), -1, 0},
                                                  {5e307}, {1e-308}, {5e307, 1e-308}, {1 + 1e-12}};
  for (const std::vector<double>& speedups : cases) {
    const SpeedupAxis axis = SpeedupAxisOf(speedups, 300, 0);
    EXPECT_GE(axis.ticks.size(), 2U);
    EXPECT_LE(axis.ticks.size(), 9U);
    for (double speedup : speedups) {
      EXPECT_TRUE(speedup <= 0 || std::isnan(speedup) || std::isfinite(axis.scale.At(speedup))) << speedup;
    }
    EXPECT_GT(axis.scale.At(1), 0);
    EXPECT_LT(axis.scale.At(1), 300);
  }
}

TEST(Scale, TimeHasTheUnitThatFits) {
  EXPECT_EQ(TimeAxisOf(42, 0, 1).unit, "s");
  const AmountAxis quarter = TimeAxisOf(900, 0, 1010);
  EXPECT_EQ(quarter.unit, "min");
  EXPECT_EQ(Labels(quarter.ticks), "0 2 4 6 8 10 12 14");
  EXPECT_NEAR(quarter.scale.At(quarter.ticks[1].value), 1000 * 120 / 900.0, 1e-9);
  EXPECT_EQ(TimeAxisOf(9000, 0, 1).unit, "h");
  for (double odd : {0.0, -3.0, kInfinity, std::nan("")})
    EXPECT_EQ(Labels(TimeAxisOf(odd, 0, 1).ticks).substr(0, 7), "0.0 0.2");
  EXPECT_GE(TimeAxisOf(1e300, 0, 1).ticks.size(), 2U);
}

TEST(Scale, TokensHaveTheUnitThatFits) {
  EXPECT_EQ(TokenAxisOf(1500, 0, 1).unit, "");
  const AmountAxis some = TokenAxisOf(85'000, 0, 1);
  EXPECT_EQ(some.unit, "k");
  EXPECT_EQ(Labels(some.ticks), "0 20 40 60 80");
  EXPECT_DOUBLE_EQ(some.ticks[1].value, 20'000);
  EXPECT_EQ(TokenAxisOf(3e7, 0, 1).unit, "M");
  EXPECT_EQ(TokenAxisOf(std::nan(""), 0, 1).unit, "");
}

}  // namespace
}  // namespace kopt
