// The lines of a profile.
#include "verifier/core/profile.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

KernelProfile Kernel() {
  return {
      .name = "scale",
      .seconds = 100e-6,
      .hertz = 1.7e9,
      .units = {{.unit = "DRAM", .busy = 0.5}, {.unit = "tensor cores", .busy = 0.3}, {.unit = "L2", .busy = 0.001}},
      .active = 0.97,
      .warps = 0.25,
      .blocks = 132,
      .resident_blocks = 1,
      .most_warps = 64,
      .resident_warps = 16,
      .limit = "registers",
      .dram_read = 64e6,
      .dram_written = 2e3,
      .l2_bytes = 1.5e9,
      .l2_read = 1e9,
      .l2_read_hits = 0.9e9};
}

std::vector<LineSamples> Samples() {
  return {{.kernel = "scale", .line = 2, .waits = {{"long_scoreboard", 60}, {"selected", 5}}},
          {.kernel = "scale", .line = 3, .waits = {{"barrier", 30}, {"selected", 4}}},
          {.kernel = "scale", .line = 0, .waits = {{"wait", 1}}},
          {.kernel = "other", .line = 1, .waits = {{"barrier", 1000}}}};
}

TEST(Profile, TheBusiestUnitIsTheBottleneck) {
  KernelProfile kernel = Kernel();
  kernel.units[1].busy = 0.91;
  EXPECT_EQ(BottleneckOf(kernel, {}), "bound by: tensor cores (91 % busy)");
  kernel.units[1].busy = 0.7;
  EXPECT_EQ(BottleneckOf(kernel, {}), "bound by: tensor cores for the most part (70 % busy), and by latency");
}

TEST(Profile, WhereNothingIsBusyWaitingIs) {
  KernelProfile kernel = Kernel();
  EXPECT_EQ(
      BottleneckOf(kernel, Samples()),
      "bound by: latency; no unit is busier than 50 % (DRAM); warps wait most for data from global or local memory");
  kernel.active = 0.4;
  EXPECT_EQ(
      BottleneckOf(kernel, Samples()),
      "bound by: latency; no unit is busier than 50 % (DRAM), and multiprocessors without work in 60 % of the time");
  EXPECT_EQ(BottleneckOf({}, {}), "bound by: not known");
}

TEST(Profile, SaysWhatTheCallDoes) {
  const CallProfile call{.shape = "N=8", .kernels = {Kernel()}, .lines = Samples(), .needed_read = 32e6};
  const std::vector<std::string> lines = ProfileLines(call, "one\n  two();\nthree\n");
  const std::vector<std::string> want = {
      "N=8: scale, 100.0 us under the profiler, at 1700 MHz",
      "bound by: latency; no unit is busier than 50 % (DRAM); warps wait most for data from global or local memory",
      "busy: DRAM 50 %, tensor cores 30 %",
      "memory: 64 MB read and 2 kB written in DRAM (the task needs 32 MB and 0 B); 1.5 GB between multiprocessors and "
      "L2, which had 90 % of what was read",
      "occupancy: 25 % of 64 warps on average; blocks that fit a multiprocessor: 1 (16 warps), limited by registers; "
      "blocks launched: 132",
      "warps wait for: 60 % data from global or local memory; 30 % a block's barrier; 1 % the latency of the "
      "instruction "
      "before; 9 % issue",
      "line 2: 65 % of the samples, mostly long_scoreboard: two();",
      "line 3: 34 % of the samples, mostly barrier: three"};
  EXPECT_EQ(lines, want);
}

TEST(Profile, AccessesAreToldWhereTheyCost) {
  KernelProfile kernel = Kernel();
  kernel.load_sectors = 31.5;
  kernel.shared_wavefronts = 1000;
  kernel.bank_conflicts = 250;
  kernel.local_bytes = 3e6;
  const std::vector<std::string> lines = ProfileLines({.shape = "N=8", .kernels = {kernel}}, "");
  const auto has = [&](const std::string& part) {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(has("31.5 sectors of 32 B a load"));
  EXPECT_TRUE(has("shared memory: 25 % of its cycles are bank conflicts"));
  EXPECT_TRUE(has("local memory (spills, arrays indexed at run time): 3 MB"));
}

TEST(Profile, TheLongestKernelIsToldInDetailTheOthersInALine) {
  KernelProfile shorter = Kernel();
  shorter.name = "merge";
  shorter.seconds = 25e-6;
  shorter.units[0].busy = 0.95;
  const std::vector<std::string> lines = ProfileLines({.shape = "N=8", .kernels = {shorter, Kernel()}}, "");
  EXPECT_EQ(lines.front(), "N=8: scale, 100.0 us under the profiler, 80 % of the call's, at 1700 MHz");
  EXPECT_EQ(lines.back(), "also merge, 25.0 us, bound by: DRAM (95 % busy)");
  EXPECT_TRUE(ProfileLines({}, "").empty());
}

TEST(Profile, OfManyKernelsAFewAreTold) {
  CallProfile call{.shape = "N=8"};
  for (int i = 0; i < 40; ++i) {
    call.kernels.push_back(Kernel());
    call.kernels.back().name = "k" + std::to_string(i);
  }
  const std::vector<std::string> lines = ProfileLines(call, "");
  EXPECT_LT(lines.size(), 15U);
  EXPECT_EQ(lines.back(), "and 35 more kernels");
}

TEST(Profile, LaunchesAreAveragedByTheirTime) {
  KernelProfile longer = Kernel();
  longer.seconds = 300e-6;
  longer.units[0].busy = 0.9;
  const std::vector<KernelProfile> merged = MergeLaunches({Kernel(), longer});
  ASSERT_EQ(merged.size(), 1U);
  EXPECT_EQ(merged[0].launches, 2);
  EXPECT_NEAR(merged[0].seconds, 400e-6, 1e-12);
  EXPECT_NEAR(merged[0].units[0].busy, 0.8, 1e-12);
  EXPECT_NEAR(merged[0].dram_read, 128e6, 1);
}

TEST(Profile, ASourceIsQuotedAsData) {
  CallProfile call{.shape = "N=8", .kernels = {Kernel()}};
  call.lines = {{.kernel = "scale", .line = 1, .waits = {{"wait", 9}}},
                {.kernel = "scale", .line = 7, .waits = {{"wait", 9}}}};
  const std::vector<std::string> lines = ProfileLines(call, std::string(100, 'x') + "\x1b[31m");
  EXPECT_EQ(lines[lines.size() - 2], "line 1: 50 % of the samples, mostly wait: " + std::string(70, 'x') + "...");
  EXPECT_EQ(lines.back(), "line 7: 50 % of the samples, mostly wait: ");
}

}  // namespace
}  // namespace kopt
