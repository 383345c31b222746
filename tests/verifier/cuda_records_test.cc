// Times between events against the device's records. Figures in microseconds: docs/device-facts.md, `events`.
#include "verifier/cuda/cuda_records.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

constexpr double kEmpty = 2.1;  // what events around an empty kernel cost, without the kernel

bool Agree(double events, double records, size_t launches) {
  return RecordsAgree((events - kEmpty) * 1e-6, records * 1e-6, launches);
}

TEST(CudaRecordsTest, HonestTimesAgree) {
  EXPECT_TRUE(Agree(2.6, 0.5, 1));
  EXPECT_TRUE(Agree(6.4, 3.6, 3));
  EXPECT_TRUE(Agree(12.6, 11.2, 8));
  EXPECT_TRUE(Agree(12.7, 10.7, 1));
  EXPECT_TRUE(Agree(93.4, 91.6, 8));
  EXPECT_TRUE(Agree(33.8, 31.2, 1));
  EXPECT_TRUE(Agree(285.7, 283.0, 8));
}

TEST(CudaRecordsTest, OthersDoNot) {
  EXPECT_FALSE(Agree(12.7, 14.2, 1));
  EXPECT_FALSE(Agree(12.7, 5.0, 1));
  EXPECT_FALSE(Agree(285.7, 300.0, 1));
  EXPECT_TRUE(Agree(285.7, 297.0, 1));
}

TEST(CudaRecordsTest, TimedCallsMayBeAFifthShorter) {
  EXPECT_FALSE(IsTooShort(82e-6, 100e-6, 1));
  EXPECT_FALSE(IsTooShort(77e-6, 100e-6, 1));
  EXPECT_TRUE(IsTooShort(76e-6, 100e-6, 1));
  EXPECT_FALSE(IsTooShort(0.6e-6, 5e-6, 1)) << "events are no better than this";
  EXPECT_FALSE(IsTooShort(70e-6, 100e-6, 8));
}

}  // namespace
}  // namespace kopt
