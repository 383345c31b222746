#include "agent/optimize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "tests/agent/job_fixture.h"

namespace kopt {
namespace {

using OptimizeTest = JobTest;

// The larger A * B, the faster.
Behaviour ByProduct(const Configuration& configuration) {
  return {.speedup = 1 + 0.01 * static_cast<double>(configuration.at("A") * configuration.at("B"))};
}

TEST_F(OptimizeTest, FindsAndConfirmsTheBestConfiguration) {
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  ASSERT_TRUE(result->best);
  EXPECT_EQ(Text(result->best->configuration), "A=3 B=30");
  EXPECT_DOUBLE_EQ(*result->best->verdict.speedup, 1.9);
  EXPECT_EQ(result->run.outcome, "improved");
  EXPECT_EQ(result->run.state, "done");
  EXPECT_EQ(result->stopped_by, "space exhausted");
}

TEST_F(OptimizeTest, TriesEachAdmissibleConfigurationOnce) {
  SetBaseline();
  ASSERT_TRUE(Run());
  const std::set<std::string> distinct(verifier_.screened.begin(), verifier_.screened.end());
  EXPECT_EQ(verifier_.screened.size(), 11u);  // of 12: A=4 B=30 violates the `where`
  EXPECT_EQ(distinct.size(), 11u);
  EXPECT_FALSE(distinct.contains("A=4 B=30"));
  EXPECT_EQ(verifier_.screened.front(), "A=1 B=10");  // the defaults, before any budget is spent
}

TEST_F(OptimizeTest, TellsTheVerifierWhatComesNext) {
  ASSERT_TRUE(Run());
  ASSERT_EQ(verifier_.screened.size(), 10u);
  // Proposals come four at a time; within them the verifier hears what follows.
  for (size_t i = 0; i < verifier_.screened.size(); ++i) {
    const size_t end = std::min<size_t>(i / 4 * 4 + 4, verifier_.screened.size());
    EXPECT_EQ(verifier_.ahead[i], std::vector(verifier_.screened.begin() + static_cast<long>(i) + 1,
                                              verifier_.screened.begin() + static_cast<long>(end)));
  }
}

TEST_F(OptimizeTest, WithoutAModelNothingIsProfiledButTheWinner) {
  ASSERT_TRUE(Run());
  EXPECT_EQ(verifier_.baseline_profiles, 0);
  for (const double from : verifier_.profile_from) EXPECT_EQ(from, kNoLimit);
}

TEST_F(OptimizeTest, EveryStrategyTriesEverythingOnce) {
  for (const char* strategy : {"model", "random", "exhaustive"}) {
    job_.search = strategy;
    job_.run = std::string("run-") + strategy;
    job_.out = folder_->path() / strategy;
    verifier_.screened.clear();
    const auto result = Run();
    ASSERT_TRUE(result) << result.error().Text();
    EXPECT_EQ(std::set(verifier_.screened.begin(), verifier_.screened.end()).size(), 10u) << strategy;
    EXPECT_EQ(verifier_.screened.size(), 10u) << strategy;
    EXPECT_EQ(result->admissible, 11u);
  }
}

TEST_F(OptimizeTest, WithoutABudgetEverythingIsTried) {
  job_.budget_seconds = std::numeric_limits<double>::infinity();
  verifier_.screen_seconds = 1e6;
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->screened.size(), 11u);
  ASSERT_TRUE(result->best);
  EXPECT_EQ(result->stopped_by, "space exhausted");
}

TEST_F(OptimizeTest, ASpaceWithoutAPointIsRefusedBeforeAnythingRuns) {
  SetSeed("//@ tune A = 1 | 2\n//@ where A > 2\n//@ call scale args(x, y)\n");
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "none of the 2 configurations satisfies every `where`");
  EXPECT_EQ(result.error().line, 2);
  EXPECT_TRUE(store_->Runs()->empty());
}

TEST_F(OptimizeTest, HugeSpacesAreSearched) {
  std::string seed;
  for (int i = 0; i < 12; ++i) seed += fmt::format("//@ tune T{} = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10\n", i);
  SetSeed(seed + "//@ where T0 + T1 + T2 + T3 >= 4 && T4 * T5 <= 50\n//@ call scale args(x, y)\n");
  job_.search = "model";
  job_.budget_seconds = 40;
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->space, 1000000000000);
  EXPECT_FALSE(result->admissible);
  EXPECT_GE(result->screened.size(), 30u);
}

TEST_F(OptimizeTest, LeadersThatScreeningCannotTellApartAreConfirmed) {
  verifier_.behave = [](const Configuration& configuration) {
    const long long product = configuration.at("A") * configuration.at("B");
    Behaviour behaviour{.speedup = 1.5 + 0.0001 * static_cast<double>(product)};
    if (product == 80) behaviour.confirmed_speedup = 1.6;
    return behaviour;
  };
  const auto result = Run();
  ASSERT_TRUE(result);
  // The others cannot reach the second by what screening says of them.
  EXPECT_EQ(verifier_.confirmed, (std::vector<std::string>{"A=3 B=30", "A=4 B=20"}));
  EXPECT_EQ(Text(result->best->configuration), "A=4 B=20");
}

TEST_F(OptimizeTest, FigureAfterFigureThatDoesNotHoldEndsTheConfirmations) {
  verifier_.behave = [](const Configuration&) { return Behaviour{.speedup = 1.02, .confirmed_speedup = 1.001}; };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->best);
  EXPECT_EQ(verifier_.confirmed.size(), 5u);
}

TEST_F(OptimizeTest, AConfirmationThatNoiseSpoiltIsRepeated) {
  verifier_.behave = [](const Configuration& configuration) {
    Behaviour behaviour = ByProduct(configuration);
    behaviour.restless = 1;
    return behaviour;
  };
  job_.budget_seconds = 20;  // no room for two, but nothing is proven without
  auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(verifier_.confirmed.size(), 2u);
  ASSERT_TRUE(result->best);
  EXPECT_EQ(result->confirmations.size(), 1u);
}

TEST_F(OptimizeTest, NoiseThatStaysIsNoProof) {
  verifier_.behave = [](const Configuration& configuration) {
    Behaviour behaviour = ByProduct(configuration);
    behaviour.restless = 9;
    return behaviour;
  };
  job_.budget_seconds = 20;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(verifier_.confirmed.size(), 2u);
  EXPECT_FALSE(result->best);
}

TEST_F(OptimizeTest, FewPointsOfManyAreScreenedAsTheyAreFound) {
  std::string seed;
  for (int i = 1; i <= 6; ++i) seed += fmt::format("//@ tune T{} = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10\n", i);
  SetSeed(seed + "//@ where T1 == T2 && T2 == T3 && T3 == T4 && T4 == T5 && T5 == T6\n//@ call scale args(x, y)\n");
  job_.budget_seconds = 20;
  verifier_.screen_seconds = 4;
  ASSERT_TRUE(Run());
  EXPECT_EQ(verifier_.screened.size(), 3u);  // what the budget has room for
}

TEST_F(OptimizeTest, SeedThatIsTheBaselineIsNotTimedAgainstItself) {
  ASSERT_TRUE(Run());
  EXPECT_EQ(std::count(verifier_.screened.begin(), verifier_.screened.end(), "A=1 B=10"), 0);
}

TEST_F(OptimizeTest, OrderFollowsTheRandomSeed) {
  ASSERT_TRUE(Run());
  const auto first = verifier_.screened;
  verifier_.screened.clear();
  job_.run += "b";
  ASSERT_TRUE(Run());
  EXPECT_EQ(verifier_.screened, first);
  verifier_.screened.clear();
  job_.run += "c";
  job_.random_seed = 6;
  ASSERT_TRUE(Run());
  EXPECT_NE(verifier_.screened, first);
}

TEST_F(OptimizeTest, SearchLeavesTheTailForConfirmation) {
  job_.budget_seconds = 20;  // tail 5 s
  verifier_.screen_seconds = 4;
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stopped_by, "budget");
  EXPECT_EQ(verifier_.screened.size(), 3u);
  EXPECT_EQ(verifier_.confirmed.size(), 1u);
  EXPECT_DOUBLE_EQ(result->active_seconds, 3 * 4 + 6);
  EXPECT_DOUBLE_EQ(result->tail_seconds, 5);
  ASSERT_EQ(verifier_.confirm_limits.size(), 1u);
  EXPECT_DOUBLE_EQ(verifier_.confirm_limits[0], 20 - 3 * 4);  // what is left of the budget
  EXPECT_DOUBLE_EQ(result->preparation_seconds, 3 + 4);
}

TEST_F(OptimizeTest, WaitingForTheMachineIsNotSpent) {
  verifier_.waiting_seconds = 100;
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->stopped_by, "space exhausted");
  EXPECT_DOUBLE_EQ(result->active_seconds, 10 * 1 + 6);
}

TEST_F(OptimizeTest, TriesTheNextBestWhenConfirmationFails) {
  verifier_.behave = [](const Configuration& configuration) {
    Behaviour behaviour = ByProduct(configuration);
    if (configuration.at("A") == 3) behaviour.confirmed_speedup = 1.005;               // lucky samples
    if (configuration.at("A") == 4) behaviour.confirmed_outcome = Outcome::kMismatch;  // wrong on unused inputs
    return behaviour;
  };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(verifier_.confirmed, (std::vector<std::string>{"A=3 B=30", "A=4 B=20", "A=2 B=30"}));
  ASSERT_TRUE(result->best);
  EXPECT_EQ(Text(result->best->configuration), "A=2 B=30");
}

TEST_F(OptimizeTest, ConfirmationsEndWithTheBudget) {
  job_.budget_seconds = 30;
  verifier_.confirm_seconds = 9;
  verifier_.behave = [](const Configuration& configuration) {
    Behaviour behaviour = ByProduct(configuration);
    behaviour.confirmed_speedup = 1;
    return behaviour;
  };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(verifier_.confirmed.size(), 2u);  // 10 screenings, then 9 s each: a third would end at 37 s
  EXPECT_FALSE(result->best);
  EXPECT_EQ(result->run.outcome, "no_improvement");
}

TEST_F(OptimizeTest, WhatIsNotFasterIsNotConfirmed) {
  verifier_.behave = [](const Configuration&) { return Behaviour{.speedup = 0.9}; };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(verifier_.confirmed.empty());
  EXPECT_EQ(result->run.outcome, "no_improvement");
  EXPECT_TRUE(result->document["best"].is_null());
}

TEST_F(OptimizeTest, NoisyVerdictsNeverWin) {
  verifier_.behave = [](const Configuration&) { return Behaviour{.speedup = 3, .remark = "noisy"}; };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(verifier_.confirmed.empty());
}

TEST_F(OptimizeTest, FailingConfigurationsAreCounted) {
  verifier_.behave = [](const Configuration& configuration) {
    return Behaviour{.outcome = configuration.at("A") == 2 ? Outcome::kCompileError : Outcome::kMeasured};
  };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->document["verdicts"]["compile_error"], 3);
  EXPECT_EQ(result->document["verdicts"]["measured"], 8);
}

TEST_F(OptimizeTest, StopsAtAConfirmedTargetSpeedup) {
  job_.target_speedup = 1.3;
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result);
  ASSERT_TRUE(result->best);
  EXPECT_GE(*result->best->verdict.speedup, 1.3);
  EXPECT_EQ(result->stopped_by, "target speedup");
  EXPECT_LT(verifier_.screened.size(), 10u);
  EXPECT_EQ(verifier_.confirmed.size(), 1u);
}

TEST_F(OptimizeTest, StopsCloseEnoughToTheSpeedOfLight) {
  job_.target_sol = 0.2;  // every kernel here reaches 0.25
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result);
  ASSERT_TRUE(result->best);
  EXPECT_GE(*result->best->verdict.sol_fraction, 0.2);
  EXPECT_EQ(result->stopped_by, "target speed of light");
  EXPECT_EQ(verifier_.confirmed.size(), 1u);
}

TEST_F(OptimizeTest, GoesOnWhenTheTargetIsNotConfirmed) {
  job_.target_speedup = 1.85;
  job_.budget_seconds = 600;
  verifier_.behave = [](const Configuration& configuration) {
    Behaviour behaviour = ByProduct(configuration);
    if (configuration.at("A") == 3) behaviour.confirmed_speedup = 1.5;
    return behaviour;
  };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(verifier_.screened.size(), 10u);
  ASSERT_TRUE(result->best);
  EXPECT_EQ(Text(result->best->configuration), "A=4 B=20");
}

TEST_F(OptimizeTest, SpecWithoutPowerSpendsNothing) {
  verifier_.no_power = Error{.exit = Exit::kUsage, .message = "output `y`: zero passes the check"};
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit, Exit::kUsage);
  EXPECT_TRUE(verifier_.screened.empty());
  EXPECT_TRUE(store_->Runs()->empty());
}

TEST_F(OptimizeTest, WrongBaselineIsReportedWithItsEvidence) {
  SetBaseline();
  verifier_.baseline.outcome = Outcome::kMismatch;
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit, Exit::kUsage);
  EXPECT_EQ(result.error().message, "the baseline is not usable: mismatch at check: played");
  EXPECT_EQ(result.error().file, "scale_baseline.cpp");
  EXPECT_EQ(result.error().log, "log:\n  line 1\n  line 2");
  EXPECT_TRUE(store_->Runs()->empty());
}

TEST_F(OptimizeTest, SeedThatDoesNotCompileIsReportedWithItsEvidence) {
  SetBaseline();
  verifier_.behave = [](const Configuration&) { return Behaviour{.outcome = Outcome::kCompileError}; };
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the seed is not usable: compile_error at compile: played");
  EXPECT_EQ(result.error().file, "scale.cpp");
  EXPECT_EQ(result.error().hint, "no budget was spent; repair the file and run again");
}

TEST_F(OptimizeTest, DefaultsThatViolateAWhereAreAnError) {
  SetSeed("//@ tune A = 1 | 2\n//@ where A > 1\n//@ call scale args(x, y)\n");
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the default tunables (A=1) violate a `where`");
  EXPECT_EQ(result.error().line, 2);
}

TEST_F(OptimizeTest, SeedWithoutTunablesEndsAtOnce) {
  SetSeed("//@ call scale args(x, y)\n");
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->space, 1);
  EXPECT_EQ(result->run.outcome, "no_improvement");
}

TEST_F(OptimizeTest, OurFaultIsTriedAgainTwice) {
  verifier_.faults[2] = verifier_.faults[3] = Error{.exit = Exit::kInternal, .message = "the worker vanished"};
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->failure);
  EXPECT_EQ(verifier_.screened.size(), 12u);  // 10, and two again
  EXPECT_EQ(result->screened.size(), 11u);
}

TEST_F(OptimizeTest, ThirdFaultEndsTheRunAndKeepsWhatWasJudged) {
  for (int call : {4, 5, 6}) verifier_.faults[call] = Error{.exit = Exit::kInternal, .message = "the worker vanished"};
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result);
  ASSERT_TRUE(result->failure);
  EXPECT_EQ(result->failure->exit, Exit::kInternal);
  EXPECT_EQ(result->run.state, "interrupted");
  EXPECT_TRUE(verifier_.confirmed.empty());
  EXPECT_EQ(store_->Verdicts(job_.run)->size(), 4u);  // the defaults and three more
  EXPECT_TRUE(std::filesystem::exists(job_.out / kReportFile));
}

TEST_F(OptimizeTest, FirstSignalStopsTheSearchAndConfirms) {
  verifier_.behave = ByProduct;
  verifier_.signals[4] = 1;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_EQ(verifier_.screened.size(), 4u);
  EXPECT_EQ(verifier_.confirmed.size(), 1u);
  EXPECT_TRUE(result->best);
  EXPECT_EQ(result->stopped_by, "interrupted");
  EXPECT_EQ(result->run.state, "interrupted");
  EXPECT_EQ(result->run.outcome, "improved");
}

TEST_F(OptimizeTest, FirstSignalDuringTheLastConfirmationLetsItFinish) {
  verifier_.behave = ByProduct;
  verifier_.signals[11] = 1;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_TRUE(result->best);
  EXPECT_EQ(verifier_.confirmed.size(), 1u);
}

TEST_F(OptimizeTest, SecondSignalEndsAtOnce) {
  verifier_.behave = ByProduct;
  verifier_.signals[4] = 2;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_TRUE(verifier_.confirmed.empty());
  EXPECT_FALSE(result->best);
  EXPECT_TRUE(std::filesystem::exists(job_.out / "result.json"));
}

TEST_F(OptimizeTest, SecondSignalEndsAConfirmation) {
  verifier_.behave = ByProduct;
  verifier_.signals[4] = 1;
  verifier_.signals[5] = 1;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->best);
  EXPECT_EQ(verifier_.confirmed.size(), 1u);
}

TEST_F(OptimizeTest, EverythingIsStored) {
  verifier_.behave = ByProduct;
  const auto result = Run();
  ASSERT_TRUE(result);
  const auto run = store_->FindRun(job_.run);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->state, "done");
  EXPECT_EQ(run->outcome, "improved");
  EXPECT_EQ(run->result, result->document);
  EXPECT_EQ(run->settings["baseline"]["is_seed"], true);
  EXPECT_EQ(run->turns, 1);
  const auto turns = store_->Turns(job_.run);
  ASSERT_TRUE(turns);
  EXPECT_EQ(*store_->CandidateSource(turns->front().candidate), kTunableSeed);
  const auto verdicts = store_->Verdicts(job_.run, true);
  ASSERT_TRUE(verdicts);
  ASSERT_EQ(verdicts->size(), 12u);  // 11 configurations and one confirmation
  EXPECT_TRUE(verdicts->back().confirmation);
  EXPECT_EQ(verdicts->back().verdict.samples.size(), 3u);
  EXPECT_EQ(verdicts->back().verdict.samples[0].quads.size(), 8u);
}

TEST_F(OptimizeTest, NoCorrectCandidateWhenConfirmationRefutesAll) {
  SetSeed("//@ call scale args(x, y)\n");
  SetBaseline();
  verifier_.behave = [](const Configuration&) {
    return Behaviour{.speedup = 2, .confirmed_outcome = Outcome::kMismatch};
  };
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->run.outcome, "no_correct_candidate");
}

}  // namespace
}  // namespace kopt
