// Prompts and replies in the memory.
#include <set>
#include <thread>

#include "base/hash.h"
#include "tests/store/sqlite_helpers.h"

namespace kopt {
namespace {

class ExchangeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::Open(folder_.path());
    ASSERT_TRUE(store) << store.error().Text();
    store_.emplace(std::move(*store));
    Fill(*store_, "r");
  }
  int Ask() {
    const int turn = store_->NextTurn("r").value_or(0);
    const auto added =
        store_->AddExchange("r", {.turn = turn, .model = "m", .prompt = "p", .shown = {0, 3}, .asked_at = 1.5});
    EXPECT_TRUE(added) << added.error().Text();
    return added.value_or(false) ? turn : 0;
  }
  ExchangeRow Answer(int turn) {
    ExchangeRow row{.turn = turn, .answered_at = 2.5, .reply = "```\ncode\n```", .prompt_tokens = 100};
    row.completion_tokens = 7;
    row.usd = 0.01;
    row.detail = {{"finish_reason", "stop"}};
    EXPECT_TRUE(store_->AnswerExchange("r", row).value_or(false));
    return row;
  }
  std::string State(int turn) { return store_->FindExchange("r", turn)->value().state; }

  TemporaryFolder folder_ = NewFolder();
  std::optional<Store> store_;
};

TEST_F(ExchangeTest, GoesFromAskedToATurn) {
  ASSERT_EQ(Ask(), 1);
  ASSERT_EQ(Ask(), 2);
  const ExchangeRow answer = Answer(2);
  EXPECT_EQ(State(1), "asked");
  const ExchangeRow read = store_->FindExchange("r", 2)->value();
  EXPECT_EQ(read.state, "answered");
  EXPECT_EQ(read.model, "m");
  EXPECT_EQ(read.prompt, "p");
  EXPECT_EQ(read.shown, (std::vector<int>{0, 3}));
  EXPECT_EQ(read.asked_at, 1.5);
  EXPECT_EQ(read.answered_at, 2.5);
  EXPECT_FALSE(read.asked.empty());
  EXPECT_FALSE(read.answered.empty());
  EXPECT_EQ(read.reply, answer.reply);
  EXPECT_EQ(read.detail, answer.detail);
  EXPECT_EQ(read.prompt_tokens, 100);
  EXPECT_EQ(read.completion_tokens, 7);
  EXPECT_EQ(read.usd, 0.01);
  EXPECT_TRUE(
      store_->LookAtExchange("r", 2, CandidateText{"void g() {}", "void g(){}"}, {{"notes", "one fence"}}).value());
  EXPECT_EQ(State(2), "looked_at");
  const auto turns = store_->Turns("r");
  ASSERT_EQ(turns->size(), 2u);
  EXPECT_EQ((*turns)[1].turn, 2);
  EXPECT_EQ(store_->CandidateSource((*turns)[1].candidate).value(), "void g() {}");
  EXPECT_EQ(Ask(), 3);
}

TEST_F(ExchangeTest, EachStepIsTakenOnce) {
  const int turn = Ask();
  EXPECT_FALSE(store_->LookAtExchange("r", turn, {}, {}).value()) << "there is no reply yet";
  Answer(turn);
  EXPECT_FALSE(store_->AnswerExchange("r", {.turn = turn, .reply = "another"}).value());
  EXPECT_FALSE(store_->EndExchange("r", {.turn = turn, .state = "cancelled"}).value());
  EXPECT_TRUE(store_->LookAtExchange("r", turn, {}, {{"complaint", "no code"}}).value());
  EXPECT_FALSE(store_->LookAtExchange("r", turn, {}, {}).value());
  EXPECT_EQ(store_->FindExchange("r", turn)->value().detail,
            (nlohmann::ordered_json{{"finish_reason", "stop"}, {"complaint", "no code"}}));
  EXPECT_EQ(store_->Turns("r")->size(), 1u);
  const int lost = Ask();
  ExchangeRow failed{.turn = lost, .state = "failed", .detail = {{"failure", "429"}}, .prompt_tokens = 50};
  failed.usd = 0.5;
  EXPECT_TRUE(store_->EndExchange("r", failed).value());
  EXPECT_EQ(store_->FindExchange("r", lost)->value().prompt_tokens, 50);
  EXPECT_EQ(store_->FindExchange("r", lost)->value().usd, 0.5);
  EXPECT_FALSE(store_->AnswerExchange("r", {.turn = lost, .reply = "late"}).value());
  EXPECT_EQ(State(lost), "failed");
  EXPECT_FALSE(store_->AnswerExchange("r", {.turn = 99}).value());
  EXPECT_FALSE(store_->FindExchange("r", 99)->has_value());
  EXPECT_FALSE(store_->AddExchange("unknown", {}));
  EXPECT_FALSE(store_->AddExchange("r", {.turn = lost, .model = "m"}).value()) << "the number is taken";
}

// All of it is there, or nothing.
TEST_F(ExchangeTest, LookingIsOneStep) {
  const int turn = Ask();
  Answer(turn);
  ASSERT_TRUE(store_->AddTurn("r", {.turn = turn, .candidate = (*store_->Turns("r"))[0].candidate}));
  EXPECT_FALSE(store_->LookAtExchange("r", turn, CandidateText{"void h() {}", "void h(){}"}, {}));
  EXPECT_EQ(State(turn), "answered");
  EXPECT_FALSE(store_->FindCandidate(ContentHash("void h() {}"))->has_value());
}

TEST_F(ExchangeTest, KeepsRepliesAsTheyCame) {
  for (const std::string& text : {std::string("a\0b\xff\xfe \r\n", 8), std::string(10 << 20, 'x')}) {
    const int turn = Ask();
    ASSERT_TRUE(store_->AnswerExchange("r", {.turn = turn, .reply = text}).value());
    EXPECT_TRUE(store_->FindExchange("r", turn)->value().reply == text);
  }
}

TEST_F(ExchangeTest, ListsWithoutTexts) {
  Ask();
  Answer(Ask());
  const auto rows = store_->Exchanges("r");
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[1].state, "answered");
  EXPECT_EQ((*rows)[1].completion_tokens, 7);
  EXPECT_EQ((*rows)[1].prompt, "");
  EXPECT_EQ((*rows)[1].detail, (nlohmann::ordered_json{{"finish_reason", "stop"}}));
  EXPECT_FALSE((*rows)[0].completion_tokens);
  EXPECT_EQ(store_->Exchanges("r", true)->at(1).prompt, "p");
}

TEST_F(ExchangeTest, KnowsWhatRepliesOfAModelAreLike) {
  EXPECT_EQ(store_->FiguresOf("m")->replies, 0);
  Answer(Ask());
  Ask();
  const auto figures = store_->FiguresOf("m");
  EXPECT_EQ(figures->replies, 1);
  EXPECT_EQ(figures->seconds, 1);
  EXPECT_EQ(figures->completion_tokens, 7);
}

TEST_F(ExchangeTest, ConnectionsTakeDifferentNumbers) {
  std::vector<std::vector<int>> taken(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : taken) {
      threads.emplace_back([&] {
        auto store = Store::Open(folder_.path());
        while (mine.size() < 10) {
          const int turn = store->NextTurn("r").value_or(-1);
          if (store->AddExchange("r", {.turn = turn, .model = "m"}).value_or(false)) mine.push_back(turn);
        }
      });
    }
  }
  std::set<int> all;
  for (const auto& mine : taken) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 40u);
  EXPECT_EQ(*all.begin(), 1);
  EXPECT_EQ(*all.rbegin(), 40);
}

TEST_F(ExchangeTest, GoesWithItsRun) {
  Answer(Ask());
  ASSERT_TRUE(store_->RemoveRun(*store_->FindRun("r")).value());
  EXPECT_EQ(Raw(folder_.path())("SELECT count(*) FROM exchange"), "0");
}

}  // namespace
}  // namespace kopt
