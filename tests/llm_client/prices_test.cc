#include "llm_client/prices.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

const Prices kPrices = {{"big", {.prompt = 2, .completion = 8}}, {"free", {}}};

TEST(PricesTest, PromptAndCompletionHaveTheirOwnPrice) {
  const auto dollars = Dollars(kPrices, "big", {.prompt_tokens = 500'000, .completion_tokens = 250'000, .known = true});
  ASSERT_TRUE(dollars);
  EXPECT_DOUBLE_EQ(*dollars, 3);
}

TEST(PricesTest, AFreeModelCostsNothing) {
  EXPECT_EQ(Dollars(kPrices, "free", {.prompt_tokens = 1, .completion_tokens = 1, .known = true}), 0);
}

TEST(PricesTest, WhatIsNotKnownHasNoPrice) {
  EXPECT_EQ(Dollars(kPrices, "other", {.prompt_tokens = 1, .completion_tokens = 1, .known = true}), std::nullopt);
  EXPECT_EQ(Dollars(kPrices, "big", {}), std::nullopt);
}

}  // namespace
}  // namespace kopt
