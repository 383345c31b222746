// What a prompt shows of a run's turns.
#include "agent/memory.h"

#include <gtest/gtest.h>

#include "tests/agent/job_fixture.h"

namespace kopt {
namespace {

class MemoryTest : public JobTest {
 protected:
  Memory New(const Asking& asking = {}) {
    return {spec_, Target::kCpu, verifier_.device(), {.read_bytes = 2e10, .flops = {{"f32", 1e11}}}, asking};
  }
  // A turn whose code no other number gives.
  const Turn& Add(Memory& memory, int number, const std::string& tune = "") {
    const std::string code = tune + "//@ call scale args(x, y)\n" + fmt::format("int number = {};\n", number) +
                             "extern \"C\" void scale(const float*, float*);\n";
    turns_[number] = TurnOf(number, code, spec_, Target::kCpu);
    memory.Add(turns_[number]);
    return turns_[number];
  }
  static Judged Measured(int turn, double speedup, const Configuration& configuration = {}) {
    Judged judged{.turn = turn, .configuration = configuration};
    judged.verdict = {.outcome = Outcome::kMeasured, .stage = Stage::kMeasure, .time_us = 1000 / speedup};
    judged.verdict.speedup = speedup;
    judged.verdict.speedup_interval = Interval{0.99 * speedup, 1.01 * speedup};
    return judged;
  }
  static Judged Failed(int turn, Outcome outcome, const std::string& reason) {
    Judged judged{.turn = turn};
    judged.verdict = {.outcome = outcome, .stage = Stage::kCompile, .reason = reason};
    return judged;
  }
  static bool Has(const Prompt& prompt, const std::string& text) { return prompt.user.find(text) != std::string::npos; }
  Turns turns_;
};

TEST_F(MemoryTest, TheFirstPromptSaysTheTaskAndTheDevice) {
  const Memory memory = New({.hint = "use wider vectors"});
  const auto prompt = memory.Write(1, 0.25);
  ASSERT_TRUE(prompt) << prompt.error().Text();
  for (const char* part : {"name = \"scale\"", "a simulated device", "THREADS = 2", "arithmetic f32, measured: 100 G",
                           "use wider vectors", "25 % of its budget"}) {
    EXPECT_TRUE(Has(*prompt, part)) << part;
  }
  EXPECT_TRUE(prompt->shown.empty());
}

TEST_F(MemoryTest, SaysWhatIsKnownOfTheArchitecture) {
  Device device{.name = "a GPU"};
  const auto knows = [&] {
    const auto prompt = Memory(spec_, Target::kCuda, device, {}, {}).Write(1, {});
    EXPECT_TRUE(prompt) << prompt.error().Text();
    return prompt->system.find(KnowledgeOf("sm_90a").text) != std::string::npos;
  };
  EXPECT_FALSE(knows());
  device.facts["architecture"] = 90;
  EXPECT_FALSE(knows());
  device.facts["architecture"] = "sm_90a";
  EXPECT_TRUE(knows());
}

TEST_F(MemoryTest, WhatWasNotJudgedIsNotShown) {
  Memory memory = New();
  Add(memory, 1);
  EXPECT_TRUE(memory.Write(2, {})->shown.empty());
  memory.Learn(Measured(1, 1.5), false);
  EXPECT_EQ(memory.Write(2, {})->shown, std::vector<int>{1});
}

TEST_F(MemoryTest, ShowsTheBestConfigurationInFront) {
  Memory memory = New();
  Add(memory, 1, "//@ tune T = 1 | 2 | 4\n");
  memory.Learn(Measured(1, 1.5, {{"T", 1}}), false);
  memory.Learn(Measured(1, 1.8, {{"T", 4}}), false);
  memory.Learn(Measured(1, 1.1, {{"T", 2}}), false);
  const auto prompt = memory.Write(2, {});
  EXPECT_TRUE(Has(*prompt, "//@ tune T = 4 | 1 | 2")) << prompt->user;
  EXPECT_TRUE(Has(*prompt, "1.800x [1.782, 1.818] the baseline's speed"));
  EXPECT_TRUE(Has(*prompt, "with T=4, the best of 3 configurations that were tried"));
}

TEST_F(MemoryTest, ShowsWhatBoundsATurn) {
  Memory memory = New();
  Add(memory, 1);
  Judged judged = Measured(1, 1.5);
  judged.verdict.evidence["profile"] = {"bound by: latency", "line 3: 40 % of the samples"};
  judged.verdict.evidence["counters"] = {{{"dram_read_bytes", 123456789}}};
  memory.Learn(judged, false);
  const auto prompt = memory.Write(2, {});
  EXPECT_TRUE(Has(*prompt, "bound by: latency\n  line 3: 40 % of the samples")) << prompt->user;
  EXPECT_FALSE(Has(*prompt, "dram_read_bytes"));
}

TEST_F(MemoryTest, ShowsTheNewestFailureWithItsLog) {
  Memory memory = New();
  Add(memory, 1);
  memory.Learn(Measured(1, 1.5), false);
  Add(memory, 2);
  Judged failed = Failed(2, Outcome::kCompileError, "`q` was not declared");
  failed.verdict.evidence = {{"log", "candidate.cpp:3:5: error: `q` was not declared"}, {"line", 3}};
  memory.Learn(failed, false);
  const auto prompt = memory.Write(3, {});
  EXPECT_EQ(prompt->shown, (std::vector<int>{1, 2}));
  EXPECT_TRUE(Has(*prompt, "compile_error at compile"));
  EXPECT_TRUE(Has(*prompt, "candidate.cpp:3:5: error"));
}

TEST_F(MemoryTest, AComplaintIsAFailureToo) {
  Memory memory = New();
  turns_[1] = ComplaintTurn(1, "there is no code in it");
  memory.Add(turns_[1]);
  EXPECT_TRUE(Has(*memory.Write(2, {}), "there is no code in it"));
}

TEST_F(MemoryTest, AConfirmationThatFailsTakesTheRewardAway) {
  Memory memory = New({.top = 1});
  Add(memory, 1);
  Add(memory, 2);
  memory.Learn(Measured(1, 1.5), false);
  memory.Learn(Measured(2, 3), false);
  EXPECT_EQ(memory.Write(3, {})->shown, std::vector<int>{2});
  memory.Learn(Failed(2, Outcome::kMismatch, "y[7] is wrong"), true);
  const auto prompt = memory.Write(3, {});
  EXPECT_EQ(prompt->shown, (std::vector<int>{1, 2})) << "now it is the newest failure";
  EXPECT_TRUE(Has(*prompt, "y[7] is wrong"));
}

TEST_F(MemoryTest, AConfirmationReplacesTheScreening) {
  Memory memory = New();
  Add(memory, 1);
  memory.Learn(Measured(1, 1.5), false);
  Judged confirmation = Measured(1, 1.4);
  confirmation.verdict.confirmed = true;
  memory.Learn(confirmation, true);
  EXPECT_TRUE(Has(*memory.Write(2, {}), "1.400x [1.386, 1.414] the baseline's speed, confirmed"));
}

TEST_F(MemoryTest, KnowsCodeAgain) {
  Memory memory = New();
  const Turn& first = Add(memory, 1);
  EXPECT_EQ(memory.SameCode(first.code_hash), 1);
  const Turn twin = TurnOf(2, "// a remark\n" + first.source, spec_, Target::kCpu);
  EXPECT_EQ(memory.SameCode(twin.code_hash), 1);
  EXPECT_FALSE(memory.SameCode("another"));
}

TEST_F(MemoryTest, TheSameTurnsGiveTheSamePrompt) {
  const auto write = [&] {
    Memory memory = New();
    for (int turn = 1; turn <= 7; ++turn) {
      Add(memory, turn);
      memory.Learn(turn % 3 == 0 ? Failed(turn, Outcome::kCrashed, "a fault") : Measured(turn, 1 + 0.1 * turn), false);
    }
    const auto prompt = memory.Write(8, 0.5);
    return prompt->system + prompt->user;
  };
  EXPECT_EQ(write(), write());
}

}  // namespace
}  // namespace kopt
