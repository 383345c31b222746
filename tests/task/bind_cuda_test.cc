// The plan bound to a shape and a configuration on the cuda target: launches, occupancy, limits.
#include <gtest/gtest.h>

#include "task/candidate.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

using Extents = std::array<uint32_t, 3>;

Candidate Parse(const Spec& spec, std::string source) {
  auto candidate = ParseCandidate(spec, Target::kCuda, std::move(source), "a.cu");
  if (!candidate) throw std::runtime_error(candidate.error().Text());
  return *std::move(candidate);
}

// Every kernel's blocks fill a multiprocessor of 2048 threads and 233472 bytes.
Result<long long> Fit(const std::string&, long long threads, long long smem) {
  return std::min(2048 / threads, 233472 / (smem + 1024));
}

Result<BoundCudaPlan> Bind(std::string source, const Occupancy& occupancy = Fit, const CudaLimits& limits = {}) {
  Spec spec = AttentionSpec();
  Candidate candidate = Parse(spec, std::move(source));
  return BindCuda(spec, candidate, DefaultConfiguration(candidate), spec.shapes[0], DeviceValues(limits), limits,
                  occupancy);
}

std::string Problem(const Result<BoundCudaPlan>& plan) { return plan ? "no error" : plan.error().Text(); }

std::string Problem(std::string source) { return Problem(Bind(std::move(source))); }

TEST(BindCudaTest, EvaluatesEveryClause) {
  auto plan = Bind(
      "//@ tune BM = 64 | 128\n"
      "//@ scratch partial f32 [B, S, SMS]\n"
      "//@ zero partial\n"
      "//@ launch attn grid(ceil_div(S, BM), B * H) block(BM, 2) smem(SMEM_BLOCK - 1024) cluster(2, 4) "
      "args(q, partial, scale, S - 1, i64(B * 4000000000))\n"
      "//@ launch merge grid(B, 1, 3) block(D) cooperative pdl args(partial, o)\n");
  ASSERT_TRUE(plan) << plan.error().Text();
  ASSERT_EQ(plan->scratch.size(), 1u);
  EXPECT_EQ(plan->scratch[0].bytes, 2u * 128 * 132 * 4);
  EXPECT_TRUE(plan->tensormaps.empty());
  ASSERT_EQ(plan->steps.size(), 3u);
  EXPECT_EQ(plan->steps[0].kind, PlanLine::Kind::kZero);
  EXPECT_EQ(plan->steps[0].function, "partial");
  const BoundCudaStep& attn = plan->steps[1];
  EXPECT_EQ(attn.kind, PlanLine::Kind::kLaunch);
  EXPECT_EQ(attn.function, "attn");
  EXPECT_EQ(attn.line, 4);
  EXPECT_EQ(attn.launch.grid, (Extents{2, 8, 1}));
  EXPECT_EQ(attn.launch.block, (Extents{64, 2, 1}));
  EXPECT_EQ(attn.launch.cluster, (Extents{2, 4, 1}));
  EXPECT_EQ(attn.launch.smem, 231424u);
  EXPECT_FALSE(attn.launch.cooperative);
  EXPECT_FALSE(attn.launch.pdl);
  ASSERT_EQ(attn.args.size(), 5u);
  EXPECT_EQ(attn.args[3].value, 127);
  EXPECT_EQ(attn.args[4].value, 8000000000);
  const BoundLaunch& merge = plan->steps[2].launch;
  EXPECT_EQ(merge.grid, (Extents{2, 1, 3}));
  EXPECT_EQ(merge.cluster, (Extents{0, 0, 0}));
  EXPECT_EQ(merge.smem, 0u);
  EXPECT_TRUE(merge.cooperative);
  EXPECT_TRUE(merge.pdl);
}

TEST(BindCudaTest, UnrollsLoopsAndSkipsEmptyGrids) {
  auto plan = Bind("//@ launch f for p in 0..5 grid(p % 3, p) block(32 * p) smem(p) args(p) when(p != 4)\n");
  ASSERT_TRUE(plan) << plan.error().Text();
  ASSERT_EQ(plan->steps.size(), 2u);
  EXPECT_EQ(plan->steps[0].launch.grid, (Extents{1, 1, 1}));
  EXPECT_EQ(plan->steps[1].launch.block, (Extents{64, 1, 1}));
  EXPECT_EQ(plan->steps[1].launch.smem, 2u);
  EXPECT_EQ(plan->steps[1].args[0].value, 2);
}

TEST(BindCudaTest, BoundsGrids) {
  EXPECT_EQ(Problem("\n//@ launch f grid(S - 129) block(1)\n"),
            "a.cu:2: the grid of `f` has the extent -1 in x; it must be 0 to 2147483647");
  EXPECT_EQ(Problem("//@ launch f grid(0, 65536) block(1)\n"),
            "a.cu:1: the grid of `f` has the extent 65536 in y; it must be 0 to 65535");
  EXPECT_EQ(Problem("//@ launch f grid(1, 1, 65536) block(1)\n"),
            "a.cu:1: the grid of `f` has the extent 65536 in z; it must be 0 to 65535");
  EXPECT_TRUE(Bind("//@ launch f grid(2147483647, 65535, 65535) block(1)\n"));
}

TEST(BindCudaTest, BoundsBlocks) {
  EXPECT_EQ(Problem("//@ launch f grid(1) block(0)\n"),
            "a.cu:1: the block of `f` has the extent 0 in x; it must be 1 to 1024");
  EXPECT_EQ(Problem("//@ launch f grid(1) block(1, 1025)\n"),
            "a.cu:1: the block of `f` has the extent 1025 in y; it must be 1 to 1024");
  EXPECT_EQ(Problem("//@ launch f grid(1) block(1, 1, 65)\n"),
            "a.cu:1: the block of `f` has the extent 65 in z; it must be 1 to 64");
  EXPECT_EQ(Problem("//@ launch f grid(1) block(512, 3)\n"),
            "a.cu:1: the block of `f` has 1536 threads; at most 1024 are possible");
  EXPECT_TRUE(Bind("//@ launch f grid(1) block(16, 1, 64)\n"));
}

TEST(BindCudaTest, BoundsSharedMemory) {
  EXPECT_EQ(Problem("//@ launch f grid(1) block(1) smem(0 - 1)\n"),
            "a.cu:1: the smem of `f` is -1 bytes; it must be 0 to 232448");
  EXPECT_EQ(Problem("//@ launch f grid(1) block(1) smem(SMEM_BLOCK + 1)\n"),
            "a.cu:1: the smem of `f` is 232449 bytes; it must be 0 to 232448");
  EXPECT_TRUE(Bind("//@ launch f grid(1) block(1) smem(SMEM_BLOCK)\n"));
}

TEST(BindCudaTest, BoundsClusters) {
  EXPECT_EQ(Problem("//@ launch f grid(4) block(1) cluster(1, 0)\n"),
            "a.cu:1: the cluster of `f` has the extent 0 in y; it must be 1 to 16");
  EXPECT_EQ(Problem("//@ launch f grid(8, 4) block(1) cluster(8, 4)\n"),
            "a.cu:1: the cluster of `f` has 32 blocks; at most 16 are possible");
  EXPECT_EQ(Problem("//@ launch f grid(8, 3) block(1) cluster(4, 2)\n"),
            "a.cu:1: the grid of `f` has the extent 3 in y, not a multiple of its cluster's 2");
  EXPECT_TRUE(Bind("//@ launch f grid(16) block(1) cluster(16)\n"));
}

TEST(BindCudaTest, ACooperativeGridFitsTheDevice) {
  EXPECT_TRUE(Bind("//@ launch f grid(264) block(1024) cooperative\n"));
  EXPECT_EQ(Problem("//@ launch f grid(265) block(1024) cooperative\n"),
            "a.cu:1: the cooperative grid of `f` has 265 blocks; the device runs 264 at once, 2 on each of 132 "
            "multiprocessors");
  EXPECT_TRUE(Bind("//@ launch f grid(265) block(1024) cooperative\n", nullptr)) << "nobody to ask";
  EXPECT_EQ(Problem(Bind("\n//@ launch f grid(1) block(1) cooperative\n",
                         [](const std::string&, long long, long long) -> Result<long long> {
                           return EnvironmentError("the device is lost");
                         })),
            "a.cu:2: the device is lost");
}

TEST(BindCudaTest, PdlNeedsALaunchBefore) {
  const std::string problem =
      ": `g` is the first launch that runs here and cannot have `pdl`: there is no kernel before it to overlap";
  EXPECT_EQ(Problem("//@ launch f grid(1) block(1) when(0)\n//@ launch g grid(1) block(1) pdl\n"), "a.cu:2" + problem);
  EXPECT_EQ(Problem("//@ launch f grid(S - 128) block(1)\n//@ zero o\n//@ launch g grid(1) block(1) pdl\n"),
            "a.cu:3" + problem);
  EXPECT_TRUE(Bind("//@ launch f grid(1) block(1)\n//@ launch g grid(1) block(1) pdl\n"));
}

TEST(BindCudaTest, OccupancyIsThatOfTheFirstLaunchLine) {
  std::vector<std::string> asked;
  Occupancy log = [&](const std::string& kernel, long long threads, long long smem) -> Result<long long> {
    asked.push_back(fmt::format("{} {} {}", kernel, threads, smem));
    return Fit(kernel, threads, smem);
  };
  auto plan = Bind(
      "//@ launch g grid(SMS * occupancy(f), occupancy(f)) block(1)\n"
      "//@ launch f grid(1) block(B * 128, 2) smem(S)\n"
      "//@ launch f grid(1) block(1) args()\n",
      log);
  ASSERT_TRUE(plan) << plan.error().Text();
  EXPECT_EQ(plan->steps[0].launch.grid, (Extents{528, 4, 1}));
  EXPECT_EQ(asked, (std::vector<std::string>{"f 512 128"}));
}

TEST(BindCudaTest, OccupancyInALoopIsThatOfTheStep) {
  auto plan = Bind("//@ launch f for p in 1..3 grid(occupancy(f)) block(512 * p)\n");
  ASSERT_TRUE(plan) << plan.error().Text();
  EXPECT_EQ(plan->steps[0].launch.grid[0], 4u);
  EXPECT_EQ(plan->steps[1].launch.grid[0], 2u);
  EXPECT_EQ(Problem("//@ launch f for p in 1..3 grid(1) block(512 * p)\n//@ launch g grid(occupancy(f)) block(1)\n"),
            "a.cu:2: `occupancy(f)` has no value: the block and smem of `f` in line 1 vary with its loop variable `p`");
  EXPECT_EQ(Problem("//@ launch f for p in 0..occupancy(f) grid(1) block(512 + p)\n"),
            "a.cu:1: `occupancy(f)` has no value: the block and smem of `f` in line 1 vary with its loop variable `p`");
  // Another line's variable of the same name is another one.
  EXPECT_EQ(Problem("//@ launch f for p in 1..3 grid(1) smem(p) block(1)\n"
                    "//@ launch g for p in 1..3 grid(occupancy(f)) block(p)\n"),
            "a.cu:2: `occupancy(f)` has no value: the block and smem of `f` in line 1 vary with its loop variable `p`");
}

TEST(BindCudaTest, RefusesOccupancyWithoutAnswer) {
  EXPECT_EQ(Problem(Bind("//@ launch f grid(2 * occupancy(f)) block(1)\n", nullptr)),
            "a.cu:1: `2 * occupancy(f)` has no value: `occupancy(f)` needs a device");
  EXPECT_EQ(Problem("//@ launch g grid(occupancy(f)) block(1)\n//@ launch f grid(1) block(2048)\n"),
            "a.cu:1: `occupancy(f)` has no value: line 2: the block of `f` has the extent 2048 in x; it must be 1 to "
            "1024");
}

TEST(BindCudaTest, RefusesCircularOccupancy) {
  EXPECT_EQ(Problem("\n//@ launch f grid(1) block(occupancy(f) * 32)\n"),
            "a.cu:2: `occupancy(f) * 32` has no value: it is circular: `occupancy(f)` uses the block and smem of line "
            "2, which use it");
  EXPECT_EQ(Problem("//@ launch f grid(1) block(1) smem(occupancy(g))\n"
                    "//@ launch g grid(1) block(occupancy(f))\n"),
            "a.cu:1: `occupancy(g)` has no value: line 2: `occupancy(f)` has no value: it is circular: `occupancy(f)` "
            "uses the block and smem of line 1, which use it");
  EXPECT_TRUE(Bind("//@ launch f grid(occupancy(f)) block(64)\n//@ launch f grid(1) block(occupancy(f))\n"));
}

// Each kernel asks twice for the one before: without memory 2^17 questions, without a bound a deep stack.
TEST(BindCudaTest, BoundsOccupanciesThatUseOneAnother) {
  std::string plan = "//@ launch f0 grid(1) block(1024)\n", backwards;
  int asked = 0;
  Occupancy count = [&](const std::string&, long long, long long) -> Result<long long> { return ++asked, 2; };
  for (int i = 1; i < 18; ++i) {
    std::string line = fmt::format("//@ launch f{} grid(1) block(occupancy(f{}) + occupancy(f{}))\n", i, i - 1, i - 1);
    plan += line;
    backwards = line + backwards;
  }
  EXPECT_TRUE(Bind(plan, count));
  EXPECT_EQ(asked, 17);
  std::string problem = Problem(backwards + "//@ launch f0 grid(1) block(1024)\n");
  EXPECT_TRUE(problem.ends_with("more than 16 occupancies use one another")) << problem;
}

TEST(BindCudaTest, BoundsStepsAndArguments) {
  EXPECT_EQ(Bind("//@ launch f for p in 0..65536 grid(1) block(1)\n")->steps.size(), 65536u);
  EXPECT_EQ(Problem("//@ launch f for p in 0..pow(2, 62) grid(0) block(1)\n"),
            "a.cu:1: the plan has more than 65536 steps (at `f`)");
  std::string args = "o";
  for (int i = 0; i < 16; ++i) args += ", " + std::to_string(i);
  EXPECT_EQ(Problem(fmt::format("//@ launch f for p in 0..65536 grid(1) block(1) args({})\n", args)),
            "a.cu:1: the steps of the plan have more than 1048576 arguments");
}

TEST(BindCudaTest, RefusesAConditionThatDoesNotHold) {
  EXPECT_EQ(Problem("//@ where S > SMS\n//@ launch f grid(1) block(1)\n"),
            "a.cu:1: `where S > SMS` does not hold for B=2 D=64 H=4 S=128 SMEM_BLOCK=232448 SMS=132");
}

TEST(BindCudaTest, LimitsAreTheDevices) {
  CudaLimits small;
  small.block_threads = 512;
  small.multiprocessors = 4;
  EXPECT_EQ(Bind("//@ launch f grid(SMS) block(512)\n", Fit, small)->steps[0].launch.grid[0], 4u);
  EXPECT_EQ(Problem(Bind("//@ launch f grid(1) block(513)\n", Fit, small)),
            "a.cu:1: the block of `f` has 513 threads; at most 512 are possible");
}

}  // namespace
}  // namespace kopt
