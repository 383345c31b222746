// Waits between tries, and the dates in Retry-After.
#include "llm_client/back_off.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

TEST(BackOffTest, DoublesWithEachTry) {
  EXPECT_DOUBLE_EQ(BackOff(2, std::nullopt, 60, 1), 0.5);
  EXPECT_DOUBLE_EQ(BackOff(3, std::nullopt, 60, 1), 1);
  EXPECT_DOUBLE_EQ(BackOff(4, std::nullopt, 60, 1), 2);
}

TEST(BackOffTest, TheWholeOfItIsJitter) {
  EXPECT_DOUBLE_EQ(BackOff(4, std::nullopt, 60, 0), 0);
  EXPECT_DOUBLE_EQ(BackOff(4, std::nullopt, 60, 0.25), 0.5);
}

TEST(BackOffTest, IsBounded) {
  EXPECT_DOUBLE_EQ(BackOff(30, std::nullopt, 60, 1), 60);
  EXPECT_DOUBLE_EQ(BackOff(1000000, std::nullopt, 60, 1), 60);
  EXPECT_DOUBLE_EQ(BackOff(2, 3600, 60, 1), 60);
}

TEST(BackOffTest, WaitsAsLongAsTheServerSays) {
  EXPECT_DOUBLE_EQ(BackOff(2, 7, 60, 0), 7);
  EXPECT_DOUBLE_EQ(BackOff(6, 1, 60, 1), 8) << "what the server says is the least";
}

TEST(RetryAfterTest, Seconds) {
  EXPECT_EQ(RetryAfter("120", 0), 120);
  EXPECT_EQ(RetryAfter("0", 0), 0);
  EXPECT_EQ(RetryAfter("1.5", 0), 1.5);
}

TEST(RetryAfterTest, ADate) {
  EXPECT_EQ(RetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), 30);
  EXPECT_EQ(RetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), 0) << "it has passed";
}

TEST(RetryAfterTest, AnythingElseIsNothing) {
  for (const char* header :
       {"", "soon", "-1", "nan", "inf", "5 minutes", "Sun, 06 Nov", "1e400", "Sun, 06 Nov 1994 08:49:37 GMT+1"}) {
    EXPECT_EQ(RetryAfter(header, 0), std::nullopt) << header;
  }
}

}  // namespace
}  // namespace kopt
