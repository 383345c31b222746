#include "agent/progress.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/agent/fake_clock.h"

namespace kopt {
namespace {

const Status kStatus{.doing = "testing BM=64",
                     .best = 1.83,
                     .counts = {{Outcome::kCompileError, 2}, {Outcome::kMeasured, 31}, {Outcome::kMismatch, 4}},
                     .seconds_left = 43};
constexpr const char* kText =
    "0:43 left  best 1.830x  37 tested: 31 measured, 4 mismatch, 2 compile_error  testing BM=64";

TEST(Progress, StatusText) {
  EXPECT_EQ(Text(kStatus), kText);
  EXPECT_EQ(Text(Status{.doing = "x", .seconds_left = 5}), "0:05 left  best -  0 tested  x");
  EXPECT_EQ(Text(Status{.doing = "judging the baseline"}), "judging the baseline");
}

TEST(Progress, PlainLinesAreRare) {
  std::ostringstream out;
  FakeClock clock;
  auto progress = PlainProgress(out, clock, 10);
  progress->Line("begin");
  for (int i = 0; i < 25; ++i) {
    progress->Show(kStatus);
    clock.Sleep(1);
  }
  EXPECT_EQ(out.str(), std::string("begin\n  ") + kText + "\n  " + kText + "\n");
}

TEST(Progress, TerminalRewritesOneLineAndKeepsTheOthers) {
  std::ostringstream out;
  {
    auto progress = TerminalProgress(out, 24);
    progress->Show(kStatus);
    progress->Line("found");
    progress->Show(kStatus);
  }
  const std::string live = "\r\x1b[2K  0:43 left  best 1.830";
  EXPECT_EQ(out.str(), live + "\r\x1b[2Kfound\n" + live + "\r\x1b[2K");
}

TEST(Progress, SilenceIsSilent) { NoProgress()->Line("nothing"); }

}  // namespace
}  // namespace kopt
