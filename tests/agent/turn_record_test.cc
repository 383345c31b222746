#include "agent/turn_record.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

Verdict Measured(std::optional<double> speedup) { return {.outcome = Outcome::kMeasured, .speedup = speedup}; }

TEST(TurnRecords, AConfirmationStandsInPlaceOfItsScreening) {
  const Verdict slow = Measured(1.2), fast = Measured(2), confirmed = Measured(1.7);
  const TurnVerdict verdicts[] = {{.turn = 1, .configuration = "A=1", .verdict = &slow},
                                  {.turn = 1, .configuration = "A=2", .verdict = &fast},
                                  {.turn = 1, .configuration = "A=2", .confirmation = true, .verdict = &confirmed}};
  const auto records = TurnRecordsOf({}, verdicts, Reward::kDrKernel);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].first, &slow);
  EXPECT_EQ(records[0].best, &confirmed);
  EXPECT_EQ(records[0].best_configuration, "A=2");
  EXPECT_EQ(records[0].tried, 2);
  EXPECT_DOUBLE_EQ(*records[0].reward, 2.7);
}

TEST(TurnRecords, WhatAConfirmationRefutesIsNotTheBest) {
  const Verdict slow = Measured(1.2), fast = Measured(2), wrong{.outcome = Outcome::kMismatch};
  const TurnVerdict verdicts[] = {{.turn = 1, .configuration = "A=1", .verdict = &slow},
                                  {.turn = 1, .configuration = "A=2", .verdict = &fast},
                                  {.turn = 1, .configuration = "A=2", .confirmation = true, .verdict = &wrong}};
  const auto records = TurnRecordsOf({}, verdicts, Reward::kDrKernel);
  EXPECT_EQ(records[0].best, &slow);
  EXPECT_DOUBLE_EQ(*records[0].reward, 2.2);
}

TEST(TurnRecords, AConfirmationThatNoiseSpoiltSaysNothing) {
  const Verdict fast = Measured(2), noisy = Measured(std::nullopt);
  const TurnVerdict verdicts[] = {{.turn = 0, .configuration = "-", .verdict = &fast},
                                  {.turn = 0, .configuration = "-", .confirmation = true, .verdict = &noisy}};
  EXPECT_EQ(TurnRecordsOf({}, verdicts, Reward::kDrKernel)[0].best, &fast);
}

TEST(TurnRecords, EveryWayToEndHasWords) {
  const auto text = [](ExchangeRow row) {
    const auto records = TurnRecordsOf(std::span(&row, 1), {}, Reward::kDrKernel);
    return OutcomeText(records[0]) + (records[0].Waits() ? " (waits)" : "");
  };
  EXPECT_EQ(text({.state = "asked"}), "no reply yet");
  EXPECT_EQ(text({.state = "answered"}), "the reply was not looked at (waits)");
  EXPECT_EQ(text({.state = "looked_at"}), "not judged (waits)");
  EXPECT_EQ(text({.state = "looked_at", .detail = {{"complaint", "no code"}}}), "no candidate: no code");
  EXPECT_EQ(text({.state = "looked_at", .detail = {{"duplicate_of", 3}}}), "the code of turn 3 again");
  EXPECT_EQ(text({.state = "failed", .detail = {{"failure", "timed_out"}, {"message", "m"}}}), "failed: timed_out, m");
  EXPECT_EQ(text({.state = "cancelled", .detail = {{"failure", "cancelled: over"}}}), "cancelled: over");
  EXPECT_EQ(text({.state = "cancelled", .detail = {{"failure", "the kopt that asked has ended"}}}),
            "cancelled: the kopt that asked has ended");
  EXPECT_EQ(text({.state = "failed", .detail = 7}), "failed");
}

}  // namespace
}  // namespace kopt
