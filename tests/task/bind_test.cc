// The plan bound to a shape and a configuration on the cpu target.
#include <gtest/gtest.h>

#include "task/candidate.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

const Values kDevice = {{"THREADS", 2}};

Candidate Parse(const Spec& spec, std::string source) {
  auto candidate = ParseCandidate(spec, Target::kCpu, std::move(source), "a.cpp");
  if (!candidate) throw std::runtime_error(candidate.error().Text());
  return *std::move(candidate);
}

Result<BoundPlan> Bind(std::string source, Values shape = {{"B", 2}, {"H", 4}, {"S", 128}, {"D", 64}},
                       long long scratch = 1 << 30) {
  Spec spec = AttentionSpec();
  spec.limits.scratch = scratch;
  Candidate candidate = Parse(spec, std::move(source));
  return BindCpu(spec, candidate, DefaultConfiguration(candidate), {.dims = std::move(shape)}, kDevice);
}

std::string Problem(const Result<BoundPlan>& plan) { return plan ? "no error" : plan.error().Text(); }

TEST(BindTest, EvaluatesScratchArgumentsAndConditions) {
  auto plan = Bind(
      "//@ tune SPLITS = 2 | 4\n"
      "//@ scratch partial f32 [B, S, SPLITS * THREADS]\n"
      "//@ scratch flags u8 [3]\n"
      "//@ zero flags\n"
      "//@ call attn args(q, partial, scale, S - 1, i64(B * 4000000000))\n"
      "//@ call merge when(S > 1024) args(partial, o)\n"
      "//@ call merge args(partial, o)\n");
  ASSERT_TRUE(plan) << plan.error().Text();
  ASSERT_EQ(plan->scratch.size(), 2u);
  EXPECT_EQ(plan->scratch[0].name, "partial");
  EXPECT_EQ(plan->scratch[0].bytes, 2u * 128 * 4 * 4);
  EXPECT_EQ(plan->scratch[1].dtype, DType::kU8);
  EXPECT_EQ(plan->scratch[1].bytes, 3u);
  ASSERT_EQ(plan->steps.size(), 3u);
  EXPECT_EQ(plan->steps[0].kind, PlanLine::Kind::kZero);
  EXPECT_EQ(plan->steps[0].function, "flags");
  EXPECT_EQ(plan->steps[0].stub, -1);
  const BoundStep& attn = plan->steps[1];
  EXPECT_EQ(attn.stub, 0);
  EXPECT_EQ(attn.line, 5);
  ASSERT_EQ(attn.args.size(), 5u);
  EXPECT_EQ(attn.args[0].kind, Arg::Kind::kTensor);
  EXPECT_EQ(attn.args[2].name, "scale");
  EXPECT_EQ(attn.args[3].value, 127);
  EXPECT_EQ(attn.args[4].kind, Arg::Kind::kInt64);
  EXPECT_EQ(attn.args[4].value, 8000000000);
  EXPECT_EQ(plan->steps[2].stub, 2) << "a stub belongs to its line, whether the line runs or not";
}

TEST(BindTest, UnrollsLoops) {
  auto plan = Bind("//@ call f for p in 1..B + 3 args(o, p * 10) when(p != 3)\n//@ call g for p in 5..5 args(o, p)\n");
  ASSERT_TRUE(plan) << plan.error().Text();
  std::vector<long long> values;
  for (const BoundStep& step : plan->steps) values.push_back(step.args[1].value);
  EXPECT_EQ(values, (std::vector<long long>{10, 20, 40}));
  EXPECT_EQ(plan->steps[0].stub, plan->steps[2].stub);
}

TEST(BindTest, RefusesAnIntegerThatDoesNotFitInt) {
  EXPECT_EQ(
      Problem(Bind("//@ call f args(o, S * 100000000)\n")),
      "a.cpp:1:20: argument 2 of `f` is 12800000000, which does not fit `int`; write i64(S * 100000000) and take a "
      "`long long`");
  EXPECT_TRUE(Bind("//@ call f args(o, 2147483647, -2147483647 - 1)\n"));
  EXPECT_FALSE(Bind("//@ call f args(o, 2147483648)\n"));
}

TEST(BindTest, RefusesWhatHasNoValue) {
  EXPECT_EQ(Problem(Bind("\n//@ call f args(o, S / (B - 2))\n")),
            "a.cpp:2: `S / (B - 2)` has no value: division by zero");
  EXPECT_EQ(Problem(Bind("//@ call f args(o, i64(pow(10, 15) * pow(10, 15)))\n")),
            "a.cpp:1: `pow(10, 15) * pow(10, 15)` has no value: the result of `*` does not fit 64 bits");
}

TEST(BindTest, RefusesAConditionThatDoesNotHold) {
  EXPECT_EQ(Problem(Bind("//@ tune BM = 256\n//@ where S >= BM\n//@ call f\n")),
            "a.cpp:2: `where S >= BM` does not hold for B=2 BM=256 D=64 H=4 S=128 THREADS=2");
}

TEST(BindTest, BoundsScratch) {
  const std::string plan = "//@ scratch a f64 [S]\n//@ scratch b u8 [B * 10]\n//@ call f args(a)\n";
  const Values shape = {{"B", 2}, {"H", 1}, {"S", 8}, {"D", 1}};
  EXPECT_TRUE(Bind(plan, shape, 84));
  EXPECT_EQ(Problem(Bind(plan, shape, 83)),
            "a.cpp:2: with `b` the plan needs 84 bytes of scratch; the spec allows 83; use less, or raise `[limits] "
            "scratch` in the spec");
  EXPECT_EQ(Problem(Bind("//@ scratch a f64 [S - 8]\n//@ call f\n", shape)),
            "a.cpp:1: the extent `S - 8` of scratch `a` is 0; it must be at least 1");
  EXPECT_EQ(Problem(Bind("//@ scratch a f64 [pow(2, 40), pow(2, 40)]\n//@ call f\n", shape, 100)),
            "a.cpp:1: with `a` the plan needs more than 2^63 bytes of scratch; the spec allows 100; use less, or raise "
            "`[limits] scratch` in the spec");
}

TEST(BindTest, BoundsSteps) {
  EXPECT_EQ(Bind("//@ call f for p in 0..65536 args(o)\n")->steps.size(), 65536u);
  EXPECT_EQ(Problem(Bind("//@ call f for p in 0..65537 args(o)\n")),
            "a.cpp:1: the plan has more than 65536 steps (at `f`)");
  // A loop that does nothing must end as well.
  EXPECT_EQ(Problem(Bind("//@ call f for p in 0..pow(2, 62) when(0) args(o)\n")),
            "a.cpp:1: the plan has more than 65536 steps (at `f`)");
}

TEST(BindTest, RefusesAConfigurationThatBindsTooLittle) {
  Spec spec = AttentionSpec();
  Candidate candidate = Parse(spec, "//@ tune BM = 1\n//@ call f\n");
  EXPECT_EQ(Problem(BindCpu(spec, candidate, {}, spec.shapes[0], kDevice)),
            "a.cpp:1: the configuration has no value for `BM`");
}

}  // namespace
}  // namespace kopt
