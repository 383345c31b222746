#include "cli/duration.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

TEST(Duration, Accepts) {
  const std::pair<const char*, double> cases[] = {{"90", 90},   {"90s", 90},    {"15m", 900},       {"1h30m", 5400},
                                                  {"2h", 7200}, {"1.5h", 5400}, {"1h30m10s", 5410}, {"0.5", 0.5}};
  for (const auto& [text, seconds] : cases) {
    const auto parsed = ParseDuration(text, "--budget");
    ASSERT_TRUE(parsed) << text;
    EXPECT_DOUBLE_EQ(*parsed, seconds) << text;
  }
}

TEST(Duration, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "15x", "m", "-5", "1m1h", "1m1m", "1h 30m", "1e3", "nan", "inf", "90 s", "1h30",
                           "999999999999999999999999", "h1"}) {
    const auto parsed = ParseDuration(text, "--budget");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().exit, Exit::kUsage);
    EXPECT_EQ(parsed.error().message, "`" + std::string(text) + "` is not a duration");
    EXPECT_EQ(parsed.error().key, "--budget");
    EXPECT_EQ(parsed.error().hint, "write it as 90, 90s, 15m, 1h30m or 2h");
  }
}

TEST(Duration, RefusesNothingAndTooMuch) {
  for (const char* text : {"0", "0s", "0h0m"}) {
    const auto parsed = ParseDuration(text, "KOPT_BUDGET");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message, "a duration of 0 leaves no time for anything");
    EXPECT_EQ(parsed.error().key, "KOPT_BUDGET");
  }
  const auto parsed = ParseDuration("2401h", "--budget");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "the duration is above 100 days");
}

}  // namespace
}  // namespace kopt
