#include "agent/format.h"

#include <gtest/gtest.h>

#include <limits>

namespace kopt {
namespace {

TEST(Format, Durations) {
  EXPECT_EQ(FormatDuration(0), "0.00 s");
  EXPECT_EQ(FormatDuration(0.4), "0.40 s");
  EXPECT_EQ(FormatDuration(12.44), "12.4 s");
  EXPECT_EQ(FormatDuration(99.96), "1 min 40 s");
  EXPECT_EQ(FormatDuration(3720), "1 h 02 min");
  EXPECT_EQ(FormatDuration(std::numeric_limits<double>::infinity()), "no limit");
  EXPECT_EQ(FormatDuration(std::numeric_limits<double>::quiet_NaN()), "-");
}

TEST(Format, TimeLeft) {
  EXPECT_EQ(FormatTimeLeft(42.2), "0:43");
  EXPECT_EQ(FormatTimeLeft(725), "12:05");
  EXPECT_EQ(FormatTimeLeft(3729), "1:02:09");
  EXPECT_EQ(FormatTimeLeft(-5), "0:00");
}

TEST(Format, Microseconds) {
  EXPECT_EQ(FormatMicroseconds(0.84), "0.840 us");
  EXPECT_EQ(FormatMicroseconds(12.34), "12.3 us");
  EXPECT_EQ(FormatMicroseconds(999.6), "1.00 ms");
  EXPECT_EQ(FormatMicroseconds(2.1e6), "2.10 s");
  EXPECT_EQ(FormatMicroseconds(std::optional<double>()), "-");
}

TEST(Format, Amounts) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1536), "1.50 KiB");
  EXPECT_EQ(FormatBytes(64 << 20), "64.0 MiB");
  EXPECT_EQ(FormatCount(640), "640");
  EXPECT_EQ(FormatCount(1.07e9), "1.07 G");
  EXPECT_EQ(FormatRate(168.4e9, "op/s"), "168 Gop/s");
  EXPECT_EQ(FormatRate(640, "B/s"), "640 B/s");
  EXPECT_EQ(FormatPercent(0.0184), "1.8 %");
}

TEST(Format, Speedups) {
  Verdict verdict;
  EXPECT_EQ(FormatSpeedup(verdict), "-");
  verdict.speedup = 1.834;
  EXPECT_EQ(FormatSpeedup(verdict), "1.834x");
  verdict.speedup_interval = Interval{1.79, 1.88};
  EXPECT_EQ(FormatSpeedup(verdict), "1.834x [1.790, 1.880]");
}

}  // namespace
}  // namespace kopt
