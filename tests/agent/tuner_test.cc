// Whose configuration is tried next.
#include "agent/tuner.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/agent/job_fixture.h"

namespace kopt {
namespace {

class TunerTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    tuner_.emplace(spec_, Target::kCpu, Values{{"THREADS", 2}}, "exhaustive", 1);
  }
  Candidate With(const std::string& tune) {
    return Parse(tune + "//@ call scale args(x, y)\nextern \"C\" void scale(const float*, float*);\n", "t.cpp");
  }
  void Learn(int turn, const Configuration& configuration, std::optional<double> speedup) {
    Judged judged{.turn = turn, .configuration = configuration};
    judged.verdict.outcome = speedup ? Outcome::kMeasured : Outcome::kMismatch;
    judged.verdict.speedup = speedup;
    tuner_->Learn(judged);
  }
  std::optional<Tuner> tuner_;
};

TEST_F(TunerTest, TheFastestCandidateComesFirst) {
  const Candidate slow = With("//@ tune A = 1 | 2 | 3\n"), fast = With("//@ tune B = 1 | 2\n");
  ASSERT_TRUE(tuner_->Add(0, slow));
  ASSERT_TRUE(tuner_->Add(1, fast));
  Learn(0, {{"A", 1}}, 1.0);
  Learn(1, {{"B", 1}}, 2.0);
  const auto first = tuner_->Next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->turn, 1);
  EXPECT_EQ(Text(first->configuration), "B=2");
  Learn(1, {{"B", 2}}, 1.5);
  const auto second = tuner_->Next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->turn, 0) << "nothing is left of the other";
  EXPECT_EQ(Text(second->configuration), "A=2");
  ASSERT_EQ(second->ahead.size(), 1u);
  EXPECT_EQ(Text(second->ahead[0]), "A=3");
}

TEST_F(TunerTest, WhatIsBeingTriedIsNotProposedAgain) {
  const Candidate candidate = With("//@ tune A = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8\n");
  for (const char* search : {"model", "random", "exhaustive"}) {
    tuner_.emplace(spec_, Target::kCuda, Values{{"THREADS", 2}}, search, 1, 3);
    ASSERT_TRUE(tuner_->Add(0, candidate));
    Learn(0, {{"A", 1}}, 1.0);
    std::set<std::string> proposed;
    for (int i = 0; i < 7; ++i) {
      const auto next = tuner_->Next();
      ASSERT_TRUE(next) << search;
      EXPECT_TRUE(proposed.insert(Text(next->configuration)).second) << search;
      for (const Configuration& later : next->ahead) EXPECT_FALSE(proposed.contains(Text(later))) << search;
    }
    EXPECT_FALSE(tuner_->Next()) << search;
  }
}

TEST_F(TunerTest, OneThatStopsGainingMakesRoom) {
  const std::string many = "//@ tune A = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12\n";
  const Candidate fast = With(many), near = With(many);
  ASSERT_TRUE(tuner_->Add(1, fast));
  ASSERT_TRUE(tuner_->Add(2, near));
  Learn(1, {{"A", 1}}, 2.0);
  Learn(2, {{"A", 1}}, 1.7);
  std::map<int, int> tried;
  for (int i = 0; i < 6; ++i) {
    const auto next = tuner_->Next();
    ASSERT_TRUE(next);
    ++tried[next->turn];
    Learn(next->turn, next->configuration, 1.0);
  }
  EXPECT_GE(tried[1], 3);
  EXPECT_GE(tried[2], 1);
}

TEST_F(TunerTest, WhatIsWrongIsNotTuned) {
  const Candidate wrong = With("//@ tune A = 1 | 2\n");
  ASSERT_TRUE(tuner_->Add(1, wrong));
  EXPECT_FALSE(tuner_->Next()) << "nothing is known of it yet";
  Learn(1, {{"A", 1}}, std::nullopt);
  EXPECT_FALSE(tuner_->Next());
  Learn(7, {}, 3.0);  // of a turn that was never added: its plan breaks a rule
  EXPECT_FALSE(tuner_->Next());
}

TEST_F(TunerTest, WhatIsTooNoisyToTellIsTuned) {
  const Candidate noisy = With("//@ tune A = 1 | 2\n");
  ASSERT_TRUE(tuner_->Add(0, noisy));
  Judged judged{.configuration = {{"A", 1}}};
  judged.verdict.outcome = Outcome::kMeasured;
  tuner_->Learn(judged);
  EXPECT_TRUE(tuner_->Next());
}

TEST_F(TunerTest, DefaultsThatViolateAWhereAreAnError) {
  const Candidate never = With("//@ tune A = 1 | 2\n//@ where A > 1\n");
  const auto added = tuner_->Add(3, never);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message, "the default tunables (A=1) violate a `where`");
  EXPECT_EQ(added.error().line, 2);
  EXPECT_EQ(tuner_->SpaceOf(3), nullptr);
}

}  // namespace
}  // namespace kopt
