// `kopt show` of a run with a model, from a state that is written by hand.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/asking.h"
#include "llm_client/recording.h"
#include "store/store.h"
#include "tests/cli/kopt_fixture.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr const char* kRun = "norm-20261120-174402-3f2a";
constexpr const char* kDate = "2026-11-20T17:44:02.123Z";
constexpr const char* kSource =
    "//@ tune LANES = 8 | 16\n//@ call norm args(x, y)\nextern \"C\" void norm(const float* x, float* y);\n";

class ShowTest : public KoptTest {
 protected:
  void SetUp() override {
    KoptTest::SetUp();
    auto store = Store::Open("state");
    ASSERT_TRUE(store) << store.error().Text();
    store_.emplace(*std::move(store));
    const Asking asking{.models = {"a-model"}, .base_url = "http://localhost:8000/v1"};
    const RunRow run{.run = kRun,
                     .task = "norm",
                     .spec_hash = "5eb63bbb",
                     .target = "cpu",
                     .device = "a simulated device",
                     .state = "done",
                     .outcome = "no_improvement",
                     .started = kDate,
                     .ended = kDate,
                     .budget_seconds = 60,
                     .active_seconds = 30,
                     .settings = {{"seed", {{"file", "norm.cpp"}}}, {"asking", Json(asking)}}};
    const TaskRow task{.spec_hash = "5eb63bbb", .name = "norm", .text = "kopt = 1"};
    const CandidateText seed{.source = kSource, .normalised = kSource};
    ASSERT_TRUE(store_->BeginRun(run, task, std::span(&seed, 1), {{"kind", "seed"}}));
  }

  void Ask(int turn, std::vector<int> shown) {
    const ordered_json messages = {{{"role", "system"}, {"content", "The rules."}},
                                   {{"role", "user"}, {"content", "The task.\nMake it fast."}}};
    ASSERT_TRUE(*store_->AddExchange(kRun, {.turn = turn,
                                            .model = "a-model",
                                            .prompt = messages.dump(),
                                            .shown = std::move(shown),
                                            .asked = kDate,
                                            .asked_at = 2.0 * turn}));
  }
  void Answer(int turn, const std::string& reply, const std::string& reasoning = "") {
    ExchangeRow row{.turn = turn,
                    .answered = kDate,
                    .answered_at = 2.0 * turn + 1.5,
                    .reply = reply,
                    .prompt_tokens = 3000,
                    .completion_tokens = 1200,
                    .usd = 0.01};
    row.detail = {{"finish_reason", "stop"}, {"seconds", 1.5}};
    if (!reasoning.empty()) row.detail["reasoning"] = reasoning;
    ASSERT_TRUE(*store_->AnswerExchange(kRun, row));
  }
  void LookAt(int turn, bool candidate, const ordered_json& detail) {
    std::optional<CandidateText> text;
    if (candidate) text = {std::string(kSource) + "// " + std::to_string(turn) + "\n", kSource};
    ASSERT_TRUE(*store_->LookAtExchange(kRun, turn, text, detail));
  }
  void Judge(int turn, const std::string& configuration, Verdict verdict) {
    ASSERT_TRUE(store_->AddVerdict(
        kRun, {.turn = turn, .configuration = configuration, .verdict = std::move(verdict), .at_seconds = 5.0 + turn}));
  }

  // Turn 1 measured, 2 wrong, 3 the code of 1, 4 without a candidate, 5 failed, 6 cancelled, 7 still out.
  void Converse() {
    Judge(0, "LANES=8", {.outcome = Outcome::kMeasured, .stage = Stage::kMeasure, .time_us = 1000});
    Ask(1, {0});
    Answer(1, "Here it is:\n```cpp\ncode\n```\n", "I think.");
    LookAt(1, true, {{"notes", {"the last of two blocks"}}});
    Judge(1, "LANES=8", Measured(1.2));
    Judge(1, "LANES=16", Measured(1.5));
    Ask(2, {1, 0});
    Answer(2, "another");
    LookAt(2, true, ordered_json::object());
    Verdict wrong{.outcome = Outcome::kMismatch, .stage = Stage::kCheck, .reason = "y[0] is 1"};
    wrong.evidence = {{"shape", "N=8"}};
    Judge(2, "LANES=8", wrong);
    Ask(3, {1, 0, 2});
    Answer(3, "the same");
    LookAt(3, true, {{"duplicate_of", 1}});
    Ask(4, {1});
    Answer(4, "Sorry.");
    LookAt(4, false, {{"complaint", "the reply holds no code"}});
    Ask(5, {1});
    ASSERT_TRUE(*store_->EndExchange(
        kRun, {.turn = 5, .state = "failed", .detail = {{"failure", "rate_limited"}, {"message", "slow down"}}}));
    Ask(6, {1});
    ASSERT_TRUE(
        *store_->EndExchange(kRun, {.turn = 6,
                                    .state = "cancelled",
                                    .detail = {{"failure", "cancelled: the run had ended"}, {"estimated", true}},
                                    .prompt_tokens = 3000,
                                    .completion_tokens = 10}));
    Ask(7, {1});
  }
  static Verdict Measured(double speedup) {
    return {.outcome = Outcome::kMeasured,
            .stage = Stage::kMeasure,
            .time_us = 1000 / speedup,
            .baseline_us = 1000,
            .speedup = speedup,
            .speedup_interval = Interval{0.98 * speedup, 1.02 * speedup}};
  }

  void Show(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"show", kRun};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(Kopt(words), 0) << err_;
  }
  bool Says(const std::string& text) const { return out_.find(text) != std::string::npos; }
  // Equal to tests/cli/golden/NAME.
  void ExpectGolden(const std::string& name) {
    const auto path = SourceFolder() / "tests/cli/golden" / name;
    const std::string text = Steady(out_, folder_->path());
    if (UpdatesGoldens()) {
      ASSERT_TRUE(WriteFile(path, text));
    }
    EXPECT_EQ(text, Read(path)) << name;
  }

  std::optional<Store> store_;
};

TEST_F(ShowTest, ARunWithAModel) {
  Converse();
  Show({});
  ExpectGolden("show_turns.txt");
  Show({"--json"});
  const auto document = ordered_json::parse(out_);
  ASSERT_EQ(document["exchanges"].size(), 7U);
  EXPECT_EQ(document["exchanges"][0]["speedup"], 1.5);
  EXPECT_EQ(document["exchanges"][0]["best_configuration"], "LANES=16");
  EXPECT_EQ(document["exchanges"][2]["duplicate_of"], 1);
  EXPECT_EQ(document["exchanges"][4]["failure"], "failed: rate_limited, slow down");
  EXPECT_FALSE(document["exchanges"][0].contains("reply"));
  EXPECT_EQ(out_.find("I think."), std::string::npos);
}

TEST_F(ShowTest, ATurnWithItsTexts) {
  Converse();
  Show({"1"});
  ExpectGolden("show_turn.txt");
  Show({"1", "--json"});
  ExpectGolden("show_exchange.json");
}

TEST_F(ShowTest, TurnsWithoutACandidate) {
  Converse();
  Show({"3"});
  EXPECT_TRUE(Says("outcome        the code of turn 1 again\n")) << out_;
  Show({"4"});
  EXPECT_TRUE(Says("outcome        no candidate: the reply holds no code\n") && Says("\nreply:\n  Sorry.\n")) << out_;
  EXPECT_FALSE(Says("\ncandidate:"));
  Show({"4", "--json"});
  const auto document = ordered_json::parse(out_);
  EXPECT_TRUE(document["turn"].is_null());
  EXPECT_EQ(document["exchange"]["complaint"], "the reply holds no code");
  EXPECT_EQ(document["exchange"]["reply"], "Sorry.");
  Show({"5"});
  EXPECT_TRUE(Says("outcome        failed: rate_limited, slow down\n") && Says("\nprompt, user:\n  The task.\n"))
      << out_;
  Show({"6"});
  EXPECT_TRUE(Says("tokens         3.00 k of the prompt, 10 of the reply, estimated\n")) << out_;
  Show({"7"});
  EXPECT_TRUE(Says("outcome        no reply yet\n")) << out_;
  Show({"0"});
  EXPECT_TRUE(Says(std::string(kRun) + ", turn 0\n\n//@ tune LANES")) << out_;
}

TEST_F(ShowTest, ATurnThatIsNone) {
  EXPECT_EQ(Kopt({"show", kRun, "1"}), 2);
  EXPECT_NE(err_.find("it has turn 0 alone, the seed"), std::string::npos) << err_;
  Converse();
  for (const char* text : {"8", "-1", "1x", "seed"}) {
    EXPECT_EQ(Kopt({"show", kRun, text}), 2) << text;
    EXPECT_NE(err_.find(fmt::format("has no turn `{}`", text)), std::string::npos) << err_;
    EXPECT_NE(err_.find("hint: it has turns 0 to 7\n"), std::string::npos) << err_;
  }
}

TEST_F(ShowTest, WhatAModelWritesCannotPassForKopts) {
  Ask(1, {});
  Answer(1, "\x1b[2J\ncandidate:\nLANES=8: measured\n\xff", "\nreply:\nfine");
  LookAt(1, false, {{"complaint", "no code\nLANES=8: measured\x1b[2J"}, {"notes", {"a\nreply: b"}}});
  Show({"1"});
  EXPECT_TRUE(Says("\nreply:\n  \\x1b[2J\n  candidate:\n  LANES=8: measured\n")) << out_;
  EXPECT_FALSE(Says("\x1b") || Says("\xff") || Says("\nLANES=8") || Says("\nreply: b") || Says("\ncandidate:"));
  Show({});
  EXPECT_FALSE(Says("\x1b") || Says("\nLANES=8")) << out_;
}

// What was asked and answered can be played back from the results.
TEST_F(KoptTest, AConversationIsPlayedBackFromTheResults) {
  Init();
  std::string recording;
  const std::vector<std::string> codes = {Read("norm.cpp") + "// 1\nstatic int one;\n", "no code", Read("norm.cpp")};
  for (const std::string& text : codes) {
    recording += RecordedLine({.model = "m"}, {.content = "```cpp\n" + text + "```\n", .reasoning = "so"}, 1);
  }
  Write("first.jsonl", recording);
  const auto replay = [&](const std::string& file, const std::string& out) {
    const int exit =
        Kopt({"optimize", "norm.spec", "--budget", "10m", "--replay", file, "--parallel", "1", "--out", out, "--json"});
    EXPECT_EQ(exit, 0) << err_ << out_;
    return ordered_json::parse(Read(out + "/turns.json"))["turns"];
  };
  const ordered_json first = replay("first.jsonl", "first"), second = replay("first/conversation.jsonl", "second");
  ASSERT_GE(first.size(), 4U);
  ASSERT_GE(second.size(), 4U);
  for (size_t turn = 0; turn < 4; ++turn) {
    for (const char* key : {"turn", "state", "complaint", "duplicate_of", "file", "completion_tokens"}) {
      EXPECT_EQ(first[turn][key], second[turn][key]) << turn << key;
    }
  }
  EXPECT_EQ(first[1]["file"], "turns/turn-1.cpp");
  EXPECT_EQ(first[3]["duplicate_of"], 0);
  EXPECT_EQ(Read("first/turns/turn-1.cpp"), Read("second/turns/turn-1.cpp"));
  EXPECT_EQ(Kopt({"show", "last", "1"}), 0) << err_;
  EXPECT_NE(out_.find("\nreasoning:\n  so\n"), std::string::npos) << out_;
}

}  // namespace
}  // namespace kopt
