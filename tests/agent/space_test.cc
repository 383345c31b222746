#include "agent/search/space.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <set>

#include "tests/agent/space_fixture.h"

namespace kopt {
namespace {

// Every admissible configuration, by looking at all.
std::vector<Configuration> BruteForce(const PlanOfSpace& plan) {
  std::vector<Configuration> found;
  for (long long i = 0; i < SpaceSize(plan.candidate); ++i) {
    Configuration configuration = SpacePoint(plan.candidate, i);
    if (Admissible(plan.spec, plan.candidate, configuration, plan.Shapes(), plan.device).value())
      found.push_back(std::move(configuration));
  }
  return found;
}

std::vector<Configuration> At(const Space& space, const std::vector<Point>& points) {
  std::vector<Configuration> configurations;
  for (const Point& point : points) configurations.push_back(space.At(point));
  return configurations;
}

const char* const kPlans[] = {
    "",
    "//@ tune A = 3\n",
    "//@ tune A = 4 | 1 | 2\n//@ tune B = 10 | 20 | 30\n",
    "//@ tune A = 1 | 2 | 3 | 4\n//@ tune B = 10 | 20 | 30\n//@ where A * B <= 90\n",
    "//@ tune A = 1 | 2 | 3 | 4\n//@ tune B = 0 | 2\n//@ tune C = 7 | 8\n//@ where A / B > 0\n",  // a zero divisor
    "//@ tune A = 1 | 2 | 3 | 4\n//@ tune B = 0 | 2\n//@ where B == 0 || A % B == 0\n//@ where A > 1\n",
    "//@ tune A = 32 | 48 | 64 | 7\n//@ tune B = 1 | 2 | 3\n//@ where N % A == 0 || B > 2\n",  // at every shape
    "//@ tune A = 1 | 2 | 4\n//@ tune B = 1 | 2 | 4\n//@ where A * B <= THREADS\n",
    "//@ tune A = 1 | 2\n//@ where N > 5000\n",
    "//@ tune A = 1 | 2\n//@ tune B = 1 | 2\n//@ tune C = 1 | 2\n//@ where C > A\n//@ where B > C\n",
    "//@ tune A = 9223372036854775807 | -9223372036854775807\n//@ tune B = 1 | 2\n//@ where A * B > 0\n",  // overflow
    "//@ tune A = 0 | 1 | 2 | 3\n//@ tune B = 0 | 1 | 2\n//@ tune C = 5 | 3 | 1\n//@ tune D = 1 | 2\n"
    "//@ where min(A, B) < D\n//@ where A + C > 3\n//@ where D == 1 || C != 3\n//@ where ceil_div(C, B) > 1\n",
};

TEST(SpaceTest, HoldsWhatBruteForceFindsInTheOrderOfTheFile) {
  for (const char* lines : kPlans) {
    const PlanOfSpace plan(lines);
    const auto space = plan.Make();
    ASSERT_TRUE(space) << space.error().Text();
    const auto expected = BruteForce(plan);
    EXPECT_EQ(At(*space, space->points()), expected) << lines;
    EXPECT_EQ(space->extent(), expected.empty() ? Space::Extent::kEmpty : Space::Extent::kListed) << lines;
    EXPECT_EQ(At(*space, space->InOrder(1000000, [](const Point&) { return false; })), expected) << lines;
    EXPECT_EQ(space->size(), SpaceSize(plan.candidate));
  }
}

TEST(SpaceTest, AgreesWithAdmissiblePointByPoint) {
  for (const char* lines : kPlans) {
    const PlanOfSpace plan(lines);
    const Space space = plan.Make().value();
    for (long long i = 0; i < SpaceSize(plan.candidate); ++i) {
      const Configuration configuration = SpacePoint(plan.candidate, i);
      const auto point = space.Find(configuration);
      ASSERT_TRUE(point);
      EXPECT_EQ(space.At(*point), configuration);
      EXPECT_EQ(space.IsAdmissible(*point),
                *Admissible(plan.spec, plan.candidate, configuration, plan.Shapes(), plan.device))
          << lines << Text(configuration);
    }
  }
}

TEST(SpaceTest, WithoutShapesEverythingIsAdmissible) {
  const PlanOfSpace plan("//@ tune A = 1 | 2\n//@ where A > 5\n");
  EXPECT_TRUE(Admissible(plan.spec, plan.candidate, {{"A", 1}}, {}, {}).value());
  EXPECT_EQ(Space::Create(plan.spec, plan.candidate, {}, {}).value().points().size(), 2U);
}

TEST(SpaceTest, FindsNoPointForWhatIsNotOfTheSpace) {
  const Space space = MakeSpace("//@ tune A = 1 | 2\n//@ tune B = 3 | 4\n");
  EXPECT_TRUE(space.Find({{"A", 2}, {"B", 3}}));
  EXPECT_FALSE(space.Find({{"A", 2}}));
  EXPECT_FALSE(space.Find({{"A", 2}, {"B", 5}}));
  EXPECT_FALSE(space.Find({{"A", 2}, {"C", 3}}));
  EXPECT_FALSE(space.Find({{"A", 2}, {"B", 3}, {"C", 3}}));
}

TEST(SpaceTest, ANameThatNothingBindsIsAnError) {
  const PlanOfSpace plan("//@ tune A = 1 | 2\n//@ tune B = 1 | 2\n//@ where A > 0 || THREADS > 1\n");
  const auto space = Space::Create(plan.spec, plan.candidate, plan.Shapes(), {});
  ASSERT_FALSE(space);
  EXPECT_EQ(space.error().Text(), "run.cpp:3: nothing on this device gives `THREADS` a value");
}

TEST(SpaceTest, AShapeThatLacksADimIsAnError) {
  const PlanOfSpace plan("//@ tune A = 1 | 2\n");
  const Shape shape;
  EXPECT_FALSE(Space::Create(plan.spec, plan.candidate, {&shape}, plan.device));
}

TEST(SpaceTest, OutlivesWhatItWasMadeOf) {
  std::optional<Space> space;
  {
    const PlanOfSpace plan("//@ tune A = 32 | 5 | 8\n//@ where N % A == 0\n");
    space = plan.Make().value();
  }
  EXPECT_EQ(space->points(), (std::vector<Point>{{2}}));
  EXPECT_TRUE(space->IsAdmissible({2}));
  EXPECT_FALSE(space->IsAdmissible({0}));
}

TEST(SpaceTest, NeighboursDifferInOneTunable) {
  const Space space = MakeSpace(kPlans[11]);
  for (const Point& point : space.points()) {
    std::set<Point> expected;
    for (const Point& other : space.points()) {
      int different = 0;
      for (size_t i = 0; i < point.size(); ++i) different += point[i] != other[i];
      if (different == 1) expected.insert(other);
    }
    const auto all = space.Neighbours(point, 1000, 1);
    EXPECT_EQ(std::set<Point>(all.begin(), all.end()), expected);
    const auto some = space.Neighbours(point, 3, 1);
    EXPECT_LE(some.size(), 3U);
    for (const Point& near : some) EXPECT_TRUE(expected.contains(near));
  }
}

TEST(SpaceTest, SamplesEveryPointAboutEquallyOftenWhereThereIsNoWhere) {
  const Space space = MakeSpace("//@ tune A = 1 | 2 | 3\n//@ tune B = 1 | 2\n");
  std::map<Point, int> count;
  for (uint64_t seed = 0; seed < 6000; ++seed) ++count[space.Sample(seed).value()];
  EXPECT_EQ(count.size(), 6U);
  for (const auto& [point, times] : count) EXPECT_NEAR(times, 1000, 150);  // 5 standard deviations
}

TEST(SpaceTest, SamplesAreAdmissibleReproducibleAndReachEveryPoint) {
  for (const char* lines : kPlans) {
    const Space space = MakeSpace(lines);
    std::set<Point> seen;
    for (uint64_t seed = 0; seed < 500; ++seed) {
      const auto point = space.Sample(seed);
      EXPECT_EQ(point, space.Sample(seed));
      if (point) seen.insert(*point);
    }
    EXPECT_EQ(std::vector<Point>(seen.begin(), seen.end()), space.points()) << lines;
  }
}

TEST(SpaceTest, AHugeTightSpaceIsListedQuickly) {
  const auto begin = std::chrono::steady_clock::now();
  const Space space = MakeSpace(kHugePlan, {.points = 1000000});
  EXPECT_EQ(space.size(), 1000000000000);
  ASSERT_EQ(space.extent(), Space::Extent::kListed);
  EXPECT_GT(space.points().size(), 3000U);
  EXPECT_LT(space.points().size(), 100000U);
  EXPECT_TRUE(std::ranges::all_of(space.points(), [&](const Point& point) { return space.IsAdmissible(point); }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(SpaceTest, AHugeSpaceWithMoreThanTheLimitIsSampled) {
  const Space space = MakeSpace(kHugePlan, {.points = 1000});
  EXPECT_EQ(space.extent(), Space::Extent::kSampled);
  EXPECT_TRUE(space.points().empty());
  std::set<Point> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto point = space.Sample(seed);
    ASSERT_TRUE(point);
    EXPECT_TRUE(space.IsAdmissible(*point));
    seen.insert(*point);
  }
  EXPECT_GT(seen.size(), 90U);
  const auto first = space.InOrder(5, [](const Point&) { return false; });
  ASSERT_EQ(first.size(), 5U);
  for (const Point& point : first) EXPECT_TRUE(space.IsAdmissible(point));
}

// V0, V1, ... of five values each.
std::string ManyTunables(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += fmt::format("//@ tune V{} = 1 | 2 | 3 | 4 | 5\n", i);
  return lines;
}

TEST(SpaceTest, TheSizeSaturates) { EXPECT_EQ(MakeSpace(ManyTunables(40), {.points = 10}).size(), LLONG_MAX); }

TEST(SpaceTest, AnEmptySpaceIsProvedEmptyOrSaysHowFarItLooked) {
  const Space empty = MakeSpace(ManyTunables(20) + "//@ where V0 + V1 > 10\n");
  EXPECT_EQ(empty.extent(), Space::Extent::kEmpty);
  EXPECT_FALSE(empty.Sample(1));

  // Known only when the last of 20 tunables is bound.
  std::string sum = "V0";
  for (int i = 1; i < 20; ++i) sum += fmt::format(" + V{}", i);
  const Space unknown = MakeSpace(ManyTunables(20) + "//@ where " + sum + " > 100\n", {.steps = 20000});
  EXPECT_EQ(unknown.extent(), Space::Extent::kNoneFound);
  EXPECT_GE(unknown.looked_at(), 20000);
  EXPECT_TRUE(unknown.points().empty());
  EXPECT_TRUE(unknown.InOrder(1, [](const Point&) { return false; }, 1000).empty());
}

}  // namespace
}  // namespace kopt
