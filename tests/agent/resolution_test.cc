#include "agent/resolution.h"

#include <gtest/gtest.h>

#include "tests/agent/job_fixture.h"

namespace kopt {
namespace {

using ResolutionTest = JobTest;

TEST_F(ResolutionTest, NeedsSamples) {
  EXPECT_FALSE(Resolution(Verdict{}));
  const auto result = Run();
  ASSERT_TRUE(result);
  const auto resolution = Resolution(result->screened.back().verdict);
  ASSERT_TRUE(resolution);
  EXPECT_GT(*resolution, 0.009);
  EXPECT_LT(*resolution, 0.05);
}

}  // namespace
}  // namespace kopt
