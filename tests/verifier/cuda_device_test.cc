// What the cuda target decides without a device.
#include <gtest/gtest.h>

#include "tests/verifier/spec_builder.h"
#include "verifier/cuda/cuda_verifier.h"
#include "verifier/cuda/host_oracle.h"

namespace kopt {
namespace {

TEST(CudaDeviceTest, AnExclusiveDeviceIsRefusedWithTheWayOut) {
  EXPECT_TRUE(CheckComputeMode(0, "a GPU"));
  const auto exclusive = CheckComputeMode(3, "a GPU");
  ASSERT_FALSE(exclusive);
  EXPECT_EQ(exclusive.error().exit, Exit::kEnvironment);
  EXPECT_NE(exclusive.error().Text().find("a GPU is in the compute mode exclusive process"), std::string::npos);
  EXPECT_NE(exclusive.error().Text().find("nvidia-smi"), std::string::npos);
  EXPECT_FALSE(CheckComputeMode(2, "a GPU"));
}

// Few long tuples suit the host, many short ones the device; small tensors are not worth the way.
TEST(CudaDeviceTest, ReferencesWithFewLongTuplesAreForTheHost) {
  const auto suits = [](long long rows, long long columns) {
    Spec spec = SpecOf({{"R", rows}, {"C", columns}},
                       {Input("x", DType::kF32, {"R", "C"}), Output("y", DType::kF32, {"R", "C"})},
                       {{.over = OverOf({{"r", "R"}}), .code = "y(r, 0) = x(r, 0);"}});
    const auto task = Bind(spec, spec.shapes[0]);
    EXPECT_TRUE(task);
    return HostOracle::Suits(*task);
  };
  EXPECT_TRUE(suits(1, 1 << 24));
  EXPECT_TRUE(suits(63, 1 << 20));
  EXPECT_FALSE(suits(64, 1 << 20));
  EXPECT_FALSE(suits(1, 1000));
}

// One thread of the device computes inputs by code: the host does that where it is much, unless the others are more.
TEST(CudaDeviceTest, ManyInputsByCodeAreForTheHost) {
  const auto suits = [](long long drawn, long long by_code) {
    Tensor code = Input("order", DType::kI32, {"C"});
    code.code = "for (long long i = 0; i < C; ++i) order(i) = i;";
    Spec spec =
        SpecOf({{"N", drawn}, {"C", by_code}}, {Input("x", DType::kF32, {"N"}), code, Output("y", DType::kF32, {"N"})},
               {{.over = OverOf({{"i", "N"}}), .code = "y(i) = x(i);"}});
    const auto task = Bind(spec, spec.shapes[0]);
    EXPECT_TRUE(task);
    return HostOracle::SuitsCode(*task);
  };
  EXPECT_TRUE(suits(1, 1 << 12));
  EXPECT_TRUE(suits(1 << 18, 1 << 15));
  EXPECT_FALSE(suits(1, (1 << 12) - 1));
  EXPECT_FALSE(suits(1 << 24, 1 << 14));
}

}  // namespace
}  // namespace kopt
