// What several verifiers of one run have to agree on, without a device.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "verifier/cuda/compile_ahead.h"
#include "verifier/cuda/cuda_verifier.h"
#include "verifier/cuda/tenants.h"

namespace kopt {
namespace {

TEST(CudaDevicesTest, OfOneModelOrAnErrorThatNamesBoth) {
  const CudaDevice first{
      .device = {.name = "H200", .which = "0 (a)"}, .limits = {.multiprocessors = 132}, .architecture = "sm_90a"};
  CudaDevice other = first;
  other.device.which = "1 (b)";
  EXPECT_TRUE(CheckSameModel(first, other));
  other.limits.multiprocessors = 114;
  const auto checked = CheckSameModel(first, other);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().exit, Exit::kUsage);
  EXPECT_EQ(checked.error().message,
            "the devices are not of one model: 0 (a) is a H200, sm_90a, 132 multiprocessors; 1 (b) is a H200, sm_90a, "
            "114 multiprocessors");
  other = first;
  other.device.name = "H100";
  EXPECT_FALSE(CheckSameModel(first, other));
}

TEST(CudaDevicesTest, AUuidIsWrittenAsTheDriverDoes) {
  EXPECT_EQ(UuidText("5c1e0a5b00112233445566778899aabb"), "GPU-5c1e0a5b-0011-2233-4455-66778899aabb");
  EXPECT_EQ(UuidText("short"), "short");
}

TEST(CudaDevicesTest, NothingIsCompiledWhileOneIsQuiet) {
  CompileAhead ahead({}, 2);
  std::atomic<bool> compiles = false;
  std::jthread compiler;
  std::optional<CompileAhead::Hold> one(ahead.Quiet());
  const CompileAhead::Hold other = ahead.Quiet();  // what several devices time goes together
  compiler = std::jthread([&] {
    const CompileAhead::Hold load = ahead.Load();
    compiles = true;
  });
  EXPECT_FALSE(compiles);
  one.reset();
  EXPECT_FALSE(compiles) << "one is quiet still";
}

TEST(CudaDevicesTest, WhoCompilesIsWaitedFor) {
  CompileAhead ahead({}, 2);
  std::atomic<bool> compiles = true;
  std::jthread timing;
  const CompileAhead::Hold load = ahead.Load();
  timing = std::jthread([&] {
    const CompileAhead::Hold quiet = ahead.Quiet();
    EXPECT_FALSE(compiles);
  });
  compiles = false;
}

}  // namespace
}  // namespace kopt
