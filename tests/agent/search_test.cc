#include "agent/search/search.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "tests/agent/space_fixture.h"

namespace kopt {
namespace {

const char* const kSmall = R"(//@ tune A = 1 | 2 | 4 | 8
//@ tune B = 10 | 20 | 30
//@ tune C = 0 | 1
//@ where A * B <= 120
)";

using Judge = std::function<Trial(const Configuration&)>;

Trial Good(const Configuration& configuration) {
  double sum = 0;
  for (const auto& [name, value] : configuration) sum += std::cos(static_cast<double>(value));
  return {.configuration = configuration, .correct = true, .speedup = std::exp(0.1 * sum), .deviation = 0.02};
}
Trial Bad(const Configuration& configuration) { return {.configuration = configuration}; }
Trial Odd(const Configuration& configuration) {
  Trial trial = Good(configuration);
  switch (static_cast<int>(std::abs(configuration.begin()->second)) % 6) {
    case 0:
      trial.speedup = std::numeric_limits<double>::infinity();
      break;
    case 1:
      trial.speedup = std::numeric_limits<double>::quiet_NaN();
      break;
    case 2:
      trial.speedup = 0;
      break;
    case 3:
      trial.speedup.reset();
      break;
    case 4:
      trial.deviation = std::numeric_limits<double>::infinity();
      break;
    default:
      trial = Bad(configuration);
  }
  return trial;
}

// Everything that a search proposes until it has no more, up to `most`.
std::vector<Configuration> Walk(const Space& space, const std::string& name, uint64_t seed, size_t batch,
                                const Judge& judge = Good, size_t most = 1000) {
  const auto search = NewSearch(name, space, seed).value();
  std::vector<Trial> trials;
  std::vector<Configuration> order;
  while (order.size() < most) {
    const auto proposed = search->Propose(trials, batch);
    EXPECT_LE(proposed.size(), batch);
    if (proposed.empty()) break;
    for (const Configuration& configuration : proposed) {
      order.push_back(configuration);
      trials.push_back(judge(configuration));
    }
  }
  return order;
}

void ExpectAllOnce(const Space& space, const std::vector<Configuration>& order, const std::string& what) {
  const std::set<Configuration> distinct(order.begin(), order.end());
  EXPECT_EQ(order.size(), space.points().size()) << what;
  EXPECT_EQ(distinct.size(), order.size()) << what;
  for (const Point& point : space.points()) EXPECT_TRUE(distinct.contains(space.At(point))) << what;
}

TEST(SearchTest, EveryStrategyVisitsEveryAdmissiblePointOnce) {
  const Space space = MakeSpace(kSmall);
  for (const std::string& name : SearchNames()) {
    for (size_t batch : {1, 2, 5, 100}) {
      ExpectAllOnce(space, Walk(space, name, 1, batch), name);
      ExpectAllOnce(space, Walk(space, name, 1, batch, Bad), name + ", all fail");
      ExpectAllOnce(space, Walk(space, name, 1, batch, Odd), name + ", odd figures");
    }
  }
}

TEST(SearchTest, ASampledSpaceIsVisitedWholeToo) {
  const Space listed = MakeSpace(kSmall), sampled = MakeSpace(kSmall, {.points = 5, .steps = 100000});
  ASSERT_EQ(sampled.extent(), Space::Extent::kSampled);
  for (const std::string& name : SearchNames()) ExpectAllOnce(listed, Walk(sampled, name, 1, 2), name);
}

TEST(SearchTest, EveryStrategyWorksInDegenerateSpaces) {
  for (const char* lines : {"", "//@ tune A = 3\n", "//@ tune A = 5 | 9\n", "//@ tune A = 1 | 2 | 3 | 4 | 5 | 6\n",
                            "//@ tune A = -4 | 4 | 0\n//@ tune B = 7\n",
                            "//@ tune A = 9223372036854775807 | 9223372036854775806 | -9223372036854775807\n"}) {
    const Space space = MakeSpace(lines);
    for (const std::string& name : SearchNames()) ExpectAllOnce(space, Walk(space, name, 3, 2), name + lines);
  }
}

TEST(SearchTest, AnEmptySpaceHasNothingToPropose) {
  const Space space = MakeSpace("//@ tune A = 1 | 2\n//@ where A > 2\n");
  for (const std::string& name : SearchNames()) EXPECT_TRUE(Walk(space, name, 1, 4).empty()) << name;
}

TEST(SearchTest, NothingIsProposedWhenNothingIsAskedFor) {
  const Space space = MakeSpace(kSmall);
  for (const std::string& name : SearchNames()) EXPECT_TRUE(NewSearch(name, space, 1).value()->Propose({}, 0).empty());
}

// A run that was killed goes on as if it had not been: a new search with the same trials proposes the same.
TEST(SearchTest, ProposalsFollowFromTheTrialsAlone) {
  for (const size_t listed : {20000, 20}) {  // and sampled
    const Space space = MakeSpace("//@ tune A = 1 | 2 | 4 | 8 | 16\n//@ tune B = 10 | 20 | 30\n//@ tune C = 0 | 1\n",
                                  {.points = listed});
    for (const std::string& name : SearchNames()) {
      const auto kept = NewSearch(name, space, 9).value();
      std::vector<Trial> trials;
      for (int i = 0; i < 4; ++i) {
        const auto proposed = kept->Propose(trials, 2);
        EXPECT_EQ(proposed, NewSearch(name, space, 9).value()->Propose(trials, 2)) << name;
        (void)kept->Propose(trials, 7);
        EXPECT_EQ(proposed, kept->Propose(trials, 2)) << name;
        for (const Configuration& configuration : proposed) trials.push_back(Good(configuration));
      }
    }
  }
}

TEST(SearchTest, ExhaustiveGoesInTheOrderOfTheFile) {
  const Space space = MakeSpace(kSmall);
  const auto order = Walk(space, "exhaustive", 1, 3);
  ASSERT_EQ(order.size(), space.points().size());
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], space.At(space.points()[i]));
}

TEST(SearchTest, RandomDependsOnItsSeedAndFavoursNoPlace) {
  const Space space = MakeSpace("//@ tune A = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8\n");
  std::map<Configuration, int> first;
  for (uint64_t seed = 0; seed < 4000; ++seed) ++first[NewSearch("random", space, seed).value()->Propose({}, 1).at(0)];
  EXPECT_EQ(first.size(), 8U);
  for (const auto& [configuration, times] : first) EXPECT_NEAR(times, 500, 105);  // 5 standard deviations
}

TEST(SearchTest, TheModelBeginsWithTheDefaults) {
  const Space space = MakeSpace(kSmall);
  EXPECT_EQ(Walk(space, "model", 4, 3).front(), space.At({0, 0, 0}));
}

TEST(SearchTest, TrialsFromElsewhereAndDuplicatesDoNotMatter) {
  const Space space = MakeSpace(kSmall);
  const std::vector<Trial> trials = {Good({{"A", 1}, {"B", 10}, {"C", 0}}),
                                     Bad({{"A", 1}, {"B", 10}, {"C", 0}}),
                                     Good({{"A", 3}, {"B", 10}, {"C", 0}}),
                                     Good({{"Z", 1}}),
                                     Good({}),
                                     Good({{"A", 8}, {"B", 30}, {"C", 0}}),  // not admissible
                                     Good({{"A", 2}, {"B", 20}, {"C", 1}}),
                                     Good({{"A", 2}, {"B", 20}, {"C", 1}})};
  for (const std::string& name : SearchNames()) {
    const auto proposed = NewSearch(name, space, 1).value()->Propose(trials, 1000);
    EXPECT_EQ(proposed.size(), space.points().size() - 2) << name;
  }
}

TEST(SearchTest, TheModelFindsTheBestOfASmoothSpaceSoon) {
  std::string lines;
  for (const char* name : {"A", "B", "C"})
    lines += fmt::format("//@ tune {} = 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128\n", name);
  const Space space = MakeSpace(lines);
  const auto hump = [](const Configuration& configuration) {
    double log_speedup = 0;
    for (const auto& [name, value] : configuration) log_speedup -= 0.1 * std::pow(std::log2(value) - 5, 2);
    return Trial{.configuration = configuration, .correct = true, .speedup = std::exp(log_speedup), .deviation = 0.01};
  };
  const Configuration best = {{"A", 32}, {"B", 32}, {"C", 32}};
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const auto order = Walk(space, "model", seed, 2, hump, 60);
    EXPECT_NE(std::ranges::find(order, best), order.end()) << seed;
  }
}

TEST(SearchTest, AHugeSpaceIsSearchedWithoutEndAndInTime) {
  const Space space = MakeSpace(kHugePlan, {.points = 1000});
  for (const std::string& name : SearchNames()) {
    const auto begin = std::chrono::steady_clock::now();
    const auto order = Walk(space, name, 2, 4, Odd, 24);
    EXPECT_EQ(std::set<Configuration>(order.begin(), order.end()).size(), 24U) << name;
    for (const Configuration& configuration : order) EXPECT_TRUE(space.IsAdmissible(*space.Find(configuration)));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << name;
  }
}

// 10^12 points of which one in 10 007 is admissible, and nothing tells which before the last tunable is bound.
TEST(SearchTest, AProposalIsMadeInTimeWhereAdmissiblePointsAreRare) {
  std::string plan, sum;
  for (int i = 0; i < 12; ++i) {
    plan += fmt::format("//@ tune T{} = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10\n", i);
    sum += fmt::format("{}T{} * {}", i == 0 ? "" : " + ", i, 7919 * (i + 1) + 104729 * i * i);
  }
  const Space space =
      MakeSpace(plan + fmt::format("//@ where ({}) % 10007 == 7\n", sum), {.points = 5, .steps = 100000});
  const auto begin = std::chrono::steady_clock::now();
  const auto kept = NewSearch("model", space, 3).value();
  std::vector<Trial> trials;
  for (int i = 0; i < 2; ++i) {
    const auto proposed = kept->Propose(trials, 4);
    ASSERT_FALSE(proposed.empty());
    EXPECT_EQ(proposed, NewSearch("model", space, 3).value()->Propose(trials, 4));
    for (const Configuration& configuration : proposed) trials.push_back(Good(configuration));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(SearchTest, AnUnknownNameIsRefusedWithTheNames) {
  const Space space = MakeSpace("");
  const auto search = NewSearch("annealing", space, 1);
  ASSERT_FALSE(search);
  EXPECT_EQ(search.error().exit, Exit::kUsage);
  EXPECT_EQ(search.error().Text(), "there is no search `annealing`; one of model, random, exhaustive");
}

TEST(SearchTest, AVerdictBecomesATrial) {
  Verdict verdict{.outcome = Outcome::kMeasured, .speedup = 2};
  ShapeSamples samples{.calls_a = 1, .calls_b = 1};
  for (double time : {1.0, 1.02, 0.98, 1.01}) samples.quads.push_back({.a1 = time, .b1 = 2, .b2 = 2, .a2 = time});
  verdict.samples = {samples};
  const Trial trial = TrialOf({{"A", 1}}, verdict);
  EXPECT_TRUE(trial.correct);
  EXPECT_EQ(trial.speedup, 2);
  EXPECT_NEAR(trial.deviation, 0.009, 0.002);
  verdict = {.outcome = Outcome::kCrashed};
  EXPECT_FALSE(TrialOf({{"A", 1}}, verdict).correct);
}

}  // namespace
}  // namespace kopt
