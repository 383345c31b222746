// The counters behind a profile, as far as they need no device.
#include "verifier/cuda/cuda_profile.h"

#include <gtest/gtest.h>

#include "tests/verifier/nvrtc_test.h"
#include "verifier/cuda/kernel_counters.h"
#include "verifier/cuda/pc_samples.h"
#include "verifier/cuda/toolkit.h"

namespace kopt {
namespace {

class CudaProfileTest : public NvrtcTest {
 protected:
  void SetUp() override {
    NvrtcTest::SetUp();
    if (IsSkipped()) return;
    const auto toolkit = FindCudaToolkit();
    if (!toolkit || toolkit->cupti.empty()) GTEST_SKIP() << "no CUPTI";
    auto cupti = Cupti::Load(toolkit->cupti, Cupti::For::kProfiles);
    ASSERT_TRUE(cupti) << cupti.error().Text();
    cupti_ = *cupti;
  }
  Result<size_t> Passes(const char* chip, const std::vector<std::string>& names) const {
    std::vector<const char*> metrics;
    for (const std::string& name : names) metrics.push_back(name.c_str());
    return KernelCounters::Passes(cupti_, chip, metrics);
  }
  Cupti cupti_;
};

TEST_F(CudaProfileTest, EveryMetricExistsAndTheyTakeFewPasses) {
  for (const char* chip : {"GH100", "GA100", "AD102", "GB100"}) {
    const auto passes = Passes(chip, ProfileMetrics());
    ASSERT_TRUE(passes) << chip << ": " << passes.error().Text();
    EXPECT_GE(*passes, 1U) << chip;
    EXPECT_LE(*passes, 8U) << chip;
  }
}

TEST_F(CudaProfileTest, AMetricThatDoesNotExistIsAnError) {
  const auto passes = Passes("GH100", {"sm__no_such_thing.sum"});
  ASSERT_FALSE(passes);
  EXPECT_EQ(passes.error().exit, Exit::kEnvironment);
  EXPECT_NE(passes.error().message.find("kopt's choice of metrics"), std::string::npos) << passes.error().message;
}

TEST_F(CudaProfileTest, AnInstructionHasTheLineThatItComesFrom) {
  const std::string text =
      "#line 1 \"candidate.cu\"\n\n\nextern \"C\" __global__ void twice(float* x) {\n  x[threadIdx.x] *= 2;\n}\n";
  const Compiled compiled = CompileWith(text, {"--generate-line-info"});
  ASSERT_TRUE(compiled.good) << compiled.log;
  const auto line = [&](const char* kernel, uint64_t offset, const char* file) {
    return LineOf(cupti_, compiled.cubin, {.kernel = kernel, .offset = offset}, file);
  };
  int last = 0;
  for (uint64_t offset = 0; offset < 0x80; offset += 16) {
    const int here = line("twice", offset, "candidate.cu");
    EXPECT_TRUE(here == 0 || here == 3 || here == 4 || here == 5) << offset << ": " << here;
    last = std::max(last, here);
  }
  EXPECT_GE(last, 4);
  EXPECT_EQ(line("twice", 0, "other.cu"), 0);
  EXPECT_EQ(line("thrice", 0, "candidate.cu"), 0);
}

TEST_F(CudaProfileTest, LaunchesOfAKernelAreTakenTogether) {
  nlohmann::json answer;
  for (const char* name : {"first", "second", "first"}) {
    std::vector<nlohmann::json> values(ProfileMetrics().size(), 10);
    values.back() = nullptr;  // not a number
    answer["kernels"].push_back({{"name", name},
                                 {"blocks", 4},
                                 {"resident_blocks", 2},
                                 {"resident_warps", 8},
                                 {"most_warps", 64},
                                 {"limit", "registers"},
                                 {"values", values}});
  }
  answer["lines"] = {{{"kernel", "first"}, {"line", 3}, {"waits", {{"wait", 5}}}}};
  const CallProfile call = CallProfileOf(answer);
  ASSERT_EQ(call.kernels.size(), 2U);
  EXPECT_EQ(call.kernels[0].launches, 2);
  EXPECT_DOUBLE_EQ(call.kernels[0].seconds, 20e-9);
  EXPECT_DOUBLE_EQ(call.kernels[1].seconds, 10e-9);
  EXPECT_DOUBLE_EQ(call.kernels[0].local_bytes, 40) << "loads and stores of two launches";
  EXPECT_DOUBLE_EQ(call.kernels[0].units.front().busy, 0.1);
  EXPECT_DOUBLE_EQ(call.kernels[0].units.back().busy, 0);
  ASSERT_EQ(call.lines.size(), 1U);
  EXPECT_EQ(call.lines[0].waits.at("wait"), 5U);
}

}  // namespace
}  // namespace kopt
