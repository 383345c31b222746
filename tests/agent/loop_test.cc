// The loop with a model, on a simulated device.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "agent/conversation.h"
#include "agent/stored_run.h"
#include "tests/agent/job_fixture.h"
#include "tests/agent/scripted_model.h"

namespace kopt {
namespace {

// A candidate that no other number gives; at `speed` percent of the baseline's.
std::string Code(int speed, const std::string& tune = "") {
  return fmt::format(
      "{}//@ call scale args(x, y)\nextern \"C\" void scale(const float* x, float* y) {{\n"
      "  for (int i = 0; i < N; ++i) y[i] = 2 * x[i] + 0 * {};\n}}\n",
      tune, speed);
}
std::string Fenced(const std::string& code) { return "I think:\n```cpp\n" + code + "```\n"; }

int SpeedOf(const Candidate& candidate) {
  const size_t at = candidate.source.rfind("0 * ");
  return at == std::string::npos ? 100 : std::stoi(candidate.source.substr(at + 4));
}

// Virtual time goes by while the loop waits for replies: fast once there will be none, because as many questions as
// are asked at a time wait in vain.
class TickingProgress : public Progress {
 public:
  TickingProgress(FakeClock& clock, const ScriptedModel& model, int in_flight)
      : clock_(clock), model_(model), in_flight_(in_flight) {}
  void Line(std::string_view) override {}
  void Show(const Status& status) override {
    if (status.doing.starts_with("waiting")) clock_.Sleep(model_.waiting() >= in_flight_ ? 15 : 2);
  }
  void End() override {}

 private:
  FakeClock& clock_;
  const ScriptedModel& model_;
  const int in_flight_;
};

class LoopTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    SetSeed("//@ call scale args(x, y)\nextern \"C\" void scale(const float* x, float* y);\n");
    job_.model = &model_;
    job_.asking.models = {"m"};
    job_.asking.in_flight = 1;
    job_.asking.most_waiting = 1;  // the next question waits for the verdict
    model_.answer = [](const ChatRequest&, int n) { return ReplyWith(Fenced(Code(100 + n))); };
    verifier_.behave_as = [](const Candidate& candidate, const Configuration&) {
      return Behaviour{.speedup = 0.01 * SpeedOf(candidate)};
    };
  }
  Result<OptimizeResult> Run() override {
    TickingProgress progress(clock_, model_, job_.asking.in_flight);
    return Optimize(job_, verifier_, *store_, progress, clock_, interrupts_);
  }
  // Each question after `count` waits for ever; the run ends by its budget.
  void AnswerOnly(int count) { model_.BlockAfter(static_cast<size_t>(count)); }
  std::vector<ExchangeRow> Exchanges() { return store_->Exchanges(job_.run, true).value(); }
  ScriptedModel model_;
};

TEST_F(LoopTest, ConfirmsTheBestOfTheModelsCandidates) {
  job_.budget_seconds = 60;
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  ASSERT_FALSE(result->failure) << result->failure->Text();
  ASSERT_TRUE(result->best);
  EXPECT_GT(result->best->turn, 5);
  const Turn& best = result->turns.at(result->best->turn);
  EXPECT_EQ(best.source, Code(100 + best.number));
  EXPECT_EQ(CandidateOf(*result, *result->best).file, fmt::format("turn-{}.cpp", best.number));
  EXPECT_EQ(ReadFile(job_.out / "best.cpp").value(), best.source);
  EXPECT_EQ(result->document["best"]["turn"], best.number);
  EXPECT_EQ(result->document["turns"], result->turns.size());
  EXPECT_EQ(result->manifest["candidate"]["file"], fmt::format("turn-{}.cpp", best.number));
}

TEST_F(LoopTest, EachStepOfAReplyIsStored) {
  AnswerOnly(3);
  const auto result = Run();
  ASSERT_TRUE(result);
  const auto exchanges = Exchanges();
  ASSERT_EQ(exchanges.size(), 4u);
  for (int i = 0; i < 3; ++i) {
    const ExchangeRow& row = exchanges[static_cast<size_t>(i)];
    EXPECT_EQ(row.turn, i + 1);
    EXPECT_EQ(row.state, "looked_at");
    EXPECT_EQ(row.model, "m");
    EXPECT_EQ(row.reply, Fenced(Code(101 + i)));
    EXPECT_EQ(row.prompt_tokens, 100);
    EXPECT_EQ(row.completion_tokens, 50);
    EXPECT_FALSE(row.usd) << "no price is known";
    EXPECT_NE(row.prompt.find("scale.spec"), 0u);
    EXPECT_FALSE(row.shown.empty());
  }
  EXPECT_EQ(store_->Turns(job_.run)->size(), 4u);
  EXPECT_EQ(store_->Verdicts(job_.run)->size(), 4u + result->confirmations.size());
}

TEST_F(LoopTest, WhatIsInFlightAtTheEndIsCancelledAndCounted) {
  AnswerOnly(1);
  job_.asking.in_flight = 3;
  const auto result = Run();
  ASSERT_TRUE(result);
  const auto exchanges = Exchanges();
  EXPECT_EQ(std::ranges::count(exchanges, "cancelled", &ExchangeRow::state), 3);
  int64_t prompt = 0, completion = 0;
  for (const ExchangeRow& row : exchanges) {
    prompt += row.prompt_tokens.value_or(0);
    completion += row.completion_tokens.value_or(0);
    if (row.state != "cancelled") continue;
    EXPECT_EQ(row.completion_tokens, 100) << "320 bytes had arrived";
    EXPECT_GT(row.prompt_tokens, 500);
    EXPECT_EQ(row.detail["estimated"], true);
  }
  EXPECT_EQ(result->spend.prompt_tokens, prompt);
  EXPECT_EQ(result->spend.completion_tokens, completion);
  EXPECT_TRUE(result->spend.estimated);
  EXPECT_EQ(result->document["spend"]["prompt_tokens"], prompt);
  EXPECT_TRUE(result->document["spend"]["usd"].is_null());
}

TEST_F(LoopTest, TheSameCodeIsNotJudgedAgain) {
  model_.answer = [](const ChatRequest&, int n) {
    return ReplyWith(Fenced(n == 2 ? "// once more\n" + Code(150) : Code(n == 1 ? 150 : 160)));
  };
  AnswerOnly(3);
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->turns.at(2).duplicate_of, 1);
  EXPECT_EQ(std::ranges::count(result->screened, 2, &Judged::turn), 0);
  EXPECT_EQ(verifier_.files, (std::vector<std::string>{"turn-1.cpp", "turn-3.cpp"}));
  EXPECT_EQ(Exchanges()[1].detail["duplicate_of"], 1);
  EXPECT_EQ(result->turns.size(), 4u);
}

TEST_F(LoopTest, WhatIsMissingIsSaidToTheModel) {
  model_.answer = [](const ChatRequest&, int n) {
    if (n == 1) return ReplyWith("I would rather not.");
    if (n == 2) return ReplyWith(Fenced("//@ call scale args(x, z)\nextern \"C\" void scale();\n"));
    return ReplyWith(Fenced(Code(120)));
  };
  AnswerOnly(3);
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_NE(result->turns.at(1).complaint, "");
  EXPECT_EQ(store_->Turns(job_.run)->size(), 3u) << "a reply without a candidate is no turn in the table";
  const auto broken = std::ranges::find(result->screened, 2, &Judged::turn);
  ASSERT_NE(broken, result->screened.end());
  EXPECT_EQ(broken->verdict.outcome, Outcome::kRejected);
  const auto requests = model_.requests();
  ASSERT_GE(requests.size(), 3u);
  EXPECT_NE(requests[1].messages[1].content.find(result->turns.at(1).complaint.substr(0, 20)), std::string::npos);
  EXPECT_NE(requests[2].messages[1].content.find("rejected at parse"), std::string::npos);
  EXPECT_EQ(result->best->turn, 3);
}

TEST_F(LoopTest, AnEndpointThatRefusesEndsTheRunBeforeItBegins) {
  for (const ChatFault fault : {ChatFault::kKeyRefused, ChatFault::kModelUnknown, ChatFault::kCannotConnect,
                                ChatFault::kNotCompatible, ChatFault::kRefusedRequest}) {
    model_.answer = [&](const ChatRequest&, int) { return std::unexpected(FailureOf(fault)); };
    const auto result = Run();
    ASSERT_FALSE(result) << Name(fault);
    EXPECT_EQ(result.error().exit, Exit::kEnvironment);
    EXPECT_NE(result.error().message.find("no luck"), std::string::npos);
    EXPECT_TRUE(store_->Runs()->empty()) << "nothing is left of it";
  }
}

TEST_F(LoopTest, OneModelOfTwoThatRefusesIsLetBe) {
  job_.asking.models = {"bad", "good"};
  model_.answer = [](const ChatRequest& request, int n) -> ScriptedModel::Answer {
    if (request.model == "bad") return std::unexpected(FailureOf(ChatFault::kModelUnknown));
    return ReplyWith(Fenced(Code(100 + n)));
  };
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_TRUE(result->best);
  const auto exchanges = Exchanges();
  EXPECT_EQ(std::ranges::count(exchanges, "failed", &ExchangeRow::state), 1);
  ASSERT_FALSE(result->remarks.empty());
  EXPECT_NE(result->remarks.front().find("bad is not asked any more"), std::string::npos);
}

TEST_F(LoopTest, ModelsAreAskedInTurn) {
  job_.asking.models = {"a", "b", "c"};
  AnswerOnly(6);
  ASSERT_TRUE(Run());
  std::string names;
  for (const ExchangeRow& row : Exchanges()) names += row.model;
  EXPECT_EQ(names.substr(0, 6), "abcabc");
}

TEST_F(LoopTest, AfterAGoodReplyNoFailureEndsTheRun) {
  SetSeed(kTunableSeed);
  model_.answer = [](const ChatRequest&, int n) -> ScriptedModel::Answer {
    if (n == 1) return ReplyWith(Fenced(Code(150)));
    return std::unexpected(FailureOf(n % 2 == 0 ? ChatFault::kKeyRefused : ChatFault::kServerError));
  };
  job_.budget_seconds = 100;
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  ASSERT_FALSE(result->failure);
  EXPECT_EQ(result->best->turn, 1);
  EXPECT_EQ(std::ranges::count(result->screened, 0, &Judged::turn), 11) << "the seed's configurations were tried";
  EXPECT_EQ(result->stopped_by, "budget") << "where there is time it may work again";
  ASSERT_FALSE(result->remarks.empty());
  EXPECT_NE(result->remarks.front().find("m is left alone for"), std::string::npos);
}

TEST_F(LoopTest, TokensAreNeverOverspent) {
  job_.budget_seconds = std::numeric_limits<double>::infinity();
  job_.asking.in_flight = 4;
  model_.answer = [](const ChatRequest& request, int n) {
    ChatReply reply = ReplyWith(Fenced(Code(100 + n)));
    reply.usage.prompt_tokens = 2000;
    reply.usage.completion_tokens = std::min(request.max_tokens, 3000);  // as long as it may be
    return reply;
  };
  job_.asking.budget_tokens = 40'000;
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->stopped_by, "token budget");
  EXPECT_LE(result->spend.tokens(), 40'000);
  EXPECT_GT(result->spend.tokens(), 30'000);
  EXPECT_EQ(result->spend.replies, static_cast<int>(result->turns.size()) - 1);
  for (const ExchangeRow& row : Exchanges()) EXPECT_EQ(row.state, "looked_at");
}

TEST_F(LoopTest, MoneyIsNeverOverspent) {
  job_.budget_seconds = std::numeric_limits<double>::infinity();
  job_.asking.in_flight = 2;
  job_.prices["m"] = {.prompt = 1, .completion = 10};
  model_.answer = [](const ChatRequest& request, int n) {
    ChatReply reply = ReplyWith(Fenced(Code(100 + n)));
    reply.usage.prompt_tokens = 1500;
    reply.usage.completion_tokens = std::min(request.max_tokens, 5000);
    return reply;
  };
  job_.asking.budget_usd = 1;
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->stopped_by, "money budget");
  EXPECT_LE(result->spend.usd, 1);
  EXPECT_GT(result->spend.usd, 0.8);
  EXPECT_EQ(result->document["spend"]["usd"], result->spend.usd);
}

TEST_F(LoopTest, ATimeBudgetGoesOnWithoutTokens) {
  SetSeed(kTunableSeed);
  job_.asking.budget_tokens = 6000;
  job_.budget_seconds = 600;
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(std::ranges::count(result->screened, 0, &Judged::turn), 11);
  EXPECT_EQ(result->stopped_by, "token budget");
}

TEST_F(LoopTest, TheBestCandidateIsTuned) {
  model_.answer = [](const ChatRequest&, int n) {
    return ReplyWith(Fenced(Code(n == 1 ? 150 : 101, n == 1 ? "//@ tune T = 1 | 2 | 3\n" : "")));
  };
  verifier_.behave_as = [](const Candidate& candidate, const Configuration& configuration) {
    const auto t = configuration.find("T");
    return Behaviour{.speedup = 0.01 * SpeedOf(candidate) + (t == configuration.end() ? 0 : 0.1 * t->second)};
  };
  AnswerOnly(2);
  const auto result = Run();
  ASSERT_TRUE(result);
  EXPECT_EQ(std::ranges::count(result->screened, 1, &Judged::turn), 3);
  ASSERT_TRUE(result->best);
  EXPECT_EQ(result->best->turn, 1);
  EXPECT_EQ(Text(result->best->configuration), "T=3");
  EXPECT_NE(ReadFile(job_.out / "best.cpp")->find("//@ tune T = 3\n"), std::string::npos);
}

TEST_F(LoopTest, WhatIsShownToAModelIsProfiled) {
  model_.answer = [](const ChatRequest&, int n) {
    return ReplyWith(Fenced(Code(n == 1 ? 150 : 101, n == 1 ? "//@ tune T = 1 | 2 | 3\n" : "")));
  };
  verifier_.behave_as = [](const Candidate& candidate, const Configuration&) {
    return Behaviour{.speedup = 0.01 * SpeedOf(candidate)};
  };
  AnswerOnly(2);
  ASSERT_TRUE(Run());
  EXPECT_EQ(verifier_.baseline_profiles, 1);
  const std::string first = model_.requests().at(0).messages.back().content;
  EXPECT_NE(first.find("bound by: a simulation"), std::string::npos) << first;
  // A candidate's defaults if they come near the best, its other configurations if they are its best.
  ASSERT_GE(verifier_.profile_from.size(), 3U);
  EXPECT_NEAR(verifier_.profile_from[0], 1 / 1.5, 1e-9);
  EXPECT_EQ(std::ranges::count_if(verifier_.profile_from, [](double from) { return std::abs(from - 1.5) < 1e-9; }), 2);
}

TEST_F(LoopTest, PromptsShowTheBestTurnsAndNotMoreThanAreAskedFor) {
  job_.asking.top = 2;
  AnswerOnly(6);
  ASSERT_TRUE(Run());
  const auto exchanges = Exchanges();
  EXPECT_EQ(exchanges[0].shown, std::vector<int>{0});
  EXPECT_EQ(exchanges[5].shown, (std::vector<int>{5, 4}));
}

TEST_F(LoopTest, HistoryShowsAll) {
  job_.asking.strategy = Strategy::kHistory;
  AnswerOnly(5);
  ASSERT_TRUE(Run());
  EXPECT_EQ(Exchanges()[4].shown, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(LoopTest, BestOfNShowsNone) {
  job_.asking.strategy = Strategy::kBestOfN;
  AnswerOnly(3);
  ASSERT_TRUE(Run());
  for (const ExchangeRow& row : Exchanges()) EXPECT_TRUE(row.shown.empty());
}

TEST_F(LoopTest, AResumedRunJudgesWhatHadArrived) {
  AnswerOnly(2);
  ASSERT_TRUE(Run());
  const int asked = static_cast<int>(Exchanges().size());
  // One reply that arrived and was not looked at, one prompt whose process has gone.
  ASSERT_TRUE(store_->AddExchange(job_.run, {.turn = asked + 1, .model = "m"}).value());
  ExchangeRow answered{.turn = asked + 1, .model = "m", .answered_at = 1, .reply = Fenced(Code(300))};
  answered.completion_tokens = 7;
  ASSERT_TRUE(store_->AnswerExchange(job_.run, answered).value());
  ASSERT_TRUE(
      store_->AddExchange(job_.run, {.turn = asked + 2, .model = "m", .detail = {{"prompt_tokens", 1234}}}).value());
  job_.budget_seconds = 120;
  verifier_.files.clear();
  const auto result = Resume();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(verifier_.files.front(), fmt::format("turn-{}.cpp", asked + 1));
  EXPECT_EQ(std::ranges::count(verifier_.files, "turn-1.cpp"), 0) << "judged before";
  EXPECT_EQ(result->best->turn, asked + 1);
  const ExchangeRow lost = store_->FindExchange(job_.run, asked + 2)->value();
  EXPECT_EQ(lost.state, "cancelled");
  EXPECT_EQ(lost.prompt_tokens, 1234);
  EXPECT_EQ(result->spend.asked, static_cast<int>(Exchanges().size()));
}

TEST_F(LoopTest, SomebodyOutsideIsWaitedFor) {
  job_.model = nullptr;
  job_.asking.models.clear();
  job_.asking.external = true;
  job_.pause_after = 0;
  const auto begun = Run();
  ASSERT_TRUE(begun) << begun.error().Text();
  EXPECT_EQ(begun->run.state, "waiting");
  EXPECT_EQ(begun->screened.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(job_.out / "report.md"));
  for (int turn = 1; turn <= 2; ++turn) {
    ASSERT_TRUE(store_->AddExchange(job_.run, {.turn = turn, .model = kExternalModel}).value());
  }
  ASSERT_TRUE(store_->AnswerExchange(job_.run, {.turn = 2, .reply = Code(170)}).value());
  const auto worked = Resume();
  ASSERT_TRUE(worked) << worked.error().Text();
  EXPECT_EQ(worked->run.state, "waiting");
  EXPECT_EQ(worked->screened.back().turn, 2);
  EXPECT_EQ(store_->FindExchange(job_.run, 1)->value().state, "asked") << "somebody may still answer";
  EXPECT_EQ(worked->recalled, 1u);
  job_.pause_after.reset();
  const auto ended = Resume();
  ASSERT_TRUE(ended) << ended.error().Text();
  EXPECT_EQ(ended->run.state, "done");
  ASSERT_TRUE(ended->best);
  EXPECT_EQ(ended->best->turn, 2);
}

TEST_F(LoopTest, AReplyCanBeAnything) {
  const std::vector<std::string> replies = {
      std::string(10 << 20, 'x'), std::string("\0\x01\xff\xfe", 4), "```python\nimport torch\n```", "", "``````````",
      Fenced(Code(140))};
  model_.answer = [&](const ChatRequest&, int n) { return ReplyWith(replies[static_cast<size_t>(n - 1) % 6]); };
  AnswerOnly(6);
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->best->turn, 6);
  for (int turn = 1; turn <= 5; ++turn) EXPECT_NE(result->turns.at(turn).complaint, "") << turn;
}

TEST_F(LoopTest, ATaskThatFitsNoPromptIsAnError) {
  job_.asking.prompt_tokens = 1000;
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit, Exit::kUsage);
  EXPECT_TRUE(verifier_.screened.empty()) << "before anything is judged";
}

}  // namespace
}  // namespace kopt
