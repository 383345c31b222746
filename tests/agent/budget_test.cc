#include "agent/budget.h"

#include <gtest/gtest.h>

#include "tests/agent/fake_clock.h"

namespace kopt {
namespace {

TEST(Budget, CountsFromItsStart) {
  FakeClock clock;
  Budget budget(clock, 60);
  clock.Sleep(100);
  EXPECT_EQ(budget.Active(), 0);
  budget.Start();
  clock.Sleep(20);
  EXPECT_EQ(budget.Active(), 20);
  EXPECT_EQ(budget.Left(), 40);
}

TEST(Budget, WaitingIsNotActive) {
  FakeClock clock;
  Budget budget(clock, 60);
  budget.Start();
  clock.Sleep(20);
  budget.Waited(15);
  EXPECT_EQ(budget.Active(), 5);
  EXPECT_EQ(budget.Left(), 55);
}

TEST(Budget, KeepsATailForConfirmation) {
  FakeClock clock;
  const auto tail = [&](double seconds, double checks) {
    Budget budget(clock, seconds);
    budget.KeepForConfirmation(checks);
    return budget.tail();
  };
  EXPECT_EQ(tail(900, 3), 18);  // 15 s of timing and 3 s of checks
  EXPECT_EQ(tail(60, 3), 15);   // a quarter
  EXPECT_EQ(tail(12, 3), 5);    // never less than 5 s
  EXPECT_EQ(tail(2, 3), 1);     // or half of a tiny budget
}

TEST(Budget, SearchEndsBeforeTheTail) {
  FakeClock clock;
  Budget budget(clock, 60);
  budget.KeepForConfirmation(3);
  budget.Start();
  clock.Sleep(43);
  EXPECT_TRUE(budget.RoomToSearch(2));
  EXPECT_FALSE(budget.RoomToSearch(3));
  clock.Sleep(2);
  EXPECT_FALSE(budget.RoomToSearch(0));
  EXPECT_TRUE(budget.RoomToConfirm(15));
  EXPECT_FALSE(budget.RoomToConfirm(16));
}

}  // namespace
}  // namespace kopt
