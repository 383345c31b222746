// What several verifiers of one run have to agree on, without a device.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "verifier/cuda/compile_ahead.h"
#include "verifier/cuda/cuda_verifier.h"
#include "verifier/cuda/tenants.h"

namespace kopt {
namespace {

// Waits at most so many seconds for it.
bool Becomes(const std::atomic<bool>& flag, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!flag && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return flag;
}
constexpr double kNever = 0.05, kSoon = 30;

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
  std::atomic<bool> asks = false, compiles = false;
  std::jthread compiler;
  std::optional<CompileAhead::Hold> one(ahead.Quiet());
  std::optional<CompileAhead::Hold> other(ahead.Quiet());  // what several devices time goes together
  compiler = std::jthread([&] {
    asks = true;
    const CompileAhead::Hold load = ahead.Load();
    compiles = true;
  });
  EXPECT_TRUE(Becomes(asks, kSoon));
  EXPECT_FALSE(Becomes(compiles, kNever));
  one.reset();
  EXPECT_FALSE(Becomes(compiles, kNever)) << "one is quiet still";
  other.reset();
  EXPECT_TRUE(Becomes(compiles, kSoon));
}

TEST(CudaDevicesTest, WhoCompilesIsWaitedFor) {
  CompileAhead ahead({}, 2);
  std::atomic<bool> asks = false, times = false;
  std::jthread timing;
  std::optional<CompileAhead::Hold> load(ahead.Load());
  timing = std::jthread([&] {
    asks = true;
    const CompileAhead::Hold quiet = ahead.Quiet();
    times = true;
  });
  EXPECT_TRUE(Becomes(asks, kSoon));
  EXPECT_FALSE(Becomes(times, kNever));
  load.reset();
  EXPECT_TRUE(Becomes(times, kSoon));
}

}  // namespace
}  // namespace kopt
