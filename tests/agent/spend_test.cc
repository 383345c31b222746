// What asking cost, and what it will.
#include "agent/spend.h"

#include <gtest/gtest.h>

#include <limits>

namespace kopt {
namespace {

ExchangeRow Row(std::string state, int64_t prompt, int64_t completion) {
  return {.state = std::move(state), .asked_at = 10, .prompt_tokens = prompt, .completion_tokens = completion};
}

TEST(SpendTest, CountsWhateverWasAsked) {
  Spend spend;
  ExchangeRow looked_at = Row("looked_at", 100, 50);
  looked_at.answered_at = 14;
  looked_at.usd = 0.5;
  spend.Add(looked_at);
  ExchangeRow cancelled = Row("cancelled", 100, 7);
  cancelled.detail = {{"estimated", true}};
  spend.Add(cancelled);
  spend.Add({.state = "failed"});
  EXPECT_EQ(spend.asked, 3);
  EXPECT_EQ(spend.replies, 1);
  EXPECT_EQ(spend.tokens(), 257);
  EXPECT_EQ(spend.usd, 0.5);
  EXPECT_TRUE(spend.priced);
  EXPECT_TRUE(spend.estimated);
  EXPECT_EQ(spend.reply_seconds, 4);
  EXPECT_EQ(Text(spend), "1 reply, about 257 tokens, $0.5000");
}

TEST(SpendTest, ForecastGoesOnAsBefore) {
  Spend spend;
  ExchangeRow row = Row("answered", 1000, 500);
  row.answered_at = 30;  // 20 s after the question
  spend.Add(row);
  const auto forecast = ForecastOf(spend, 100, 4);
  ASSERT_TRUE(forecast);
  EXPECT_EQ(forecast->replies, 21);  // 100 s hold five of 20 s, four at a time
  EXPECT_EQ(forecast->tokens, 21 * 1500);
  EXPECT_FALSE(forecast->usd);
  EXPECT_EQ(Text(*forecast), "about 21 replies, 31.5 k tokens");
}

TEST(SpendTest, WithoutAReplyThereIsNothingToJudgeBy) {
  EXPECT_FALSE(ForecastOf({}, 100, 4));
  Spend spend;
  ExchangeRow row = Row("answered", 1, 1);
  row.answered_at = 11;
  spend.Add(row);
  EXPECT_FALSE(ForecastOf(spend, std::numeric_limits<double>::infinity(), 4)) << "a run without an end";
  EXPECT_EQ(ForecastOf(spend, -5, 4)->replies, 1) << "no time is left";
}

}  // namespace
}  // namespace kopt
