// What the run-time compiler gets for the cuda target.
#include "task/cuda_source.h"

#include <gtest/gtest.h>

#include "task/dtype.h"
#include "task/source_parts.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

const Values kDevice = {{"SMS", 132}, {"SMEM_BLOCK", 232448}};

Candidate Parse(const Spec& spec, std::string source, Target target = Target::kCuda) {
  auto candidate = ParseCandidate(spec, target, std::move(source), "a.cu");
  if (!candidate) throw std::runtime_error(candidate.error().Text());
  return *std::move(candidate);
}

std::string Generate(const Spec& spec, std::string source, int shape = 0) {
  Candidate candidate = Parse(spec, std::move(source));
  auto generated = GenerateCudaSource(spec, candidate, DefaultConfiguration(candidate), spec.shapes[shape], kDevice);
  if (!generated) throw std::runtime_error(generated.error().Text());
  return generated->text;
}

const char kPlan[] =
    "//@ tune BM = 64 | 128\n//@ tune HUGE_STRIDE = 8589934592\n"
    "//@ scratch partial bf16 [S]\n"
    "//@ tensormap tq = q dims [B * H * S, D] box [BM, 32]\n"
    "//@ zero o\n"
    "//@ launch attn grid(S) block(128) args(tq, q, v, state, o, partial, scale, S, i64(B * S))\n"
    "//@ launch done grid(1) block(1)\n//@ launch done grid(1) block(2) when(S > 3)\n"
    "extern \"C\" __global__ void done() {}\n";

TEST(CudaSourceTest, HasTypesConstantsDeclarationsAndTheCandidate) {
  EXPECT_EQ(
      Generate(AttentionSpec(), kPlan),
      std::string(
          "#line 1 \"generated header\"\n"
          "using q_t = float;\nusing k_t = float;\nusing v_t = __half;\nusing state_t = float;\nusing o_t = float;\n"
          "using partial_t = __nv_bfloat16;\n"
          "constexpr int H = 4;\nconstexpr int D = 64;\n"
          "constexpr int BM = 64;\nconstexpr long long HUGE_STRIDE = 8589934592LL;\n"
          "constexpr int SMEM_BLOCK = 232448;\nconstexpr int SMS = 132;\n"
          "extern \"C\" __global__ void attn(const __grid_constant__ CUtensorMap, const float*, const __half*, float*, "
          "float*, __nv_bfloat16*, float, int, long long);\n"
          "extern \"C\" __global__ void done();\n"
          "#line 1 \"candidate.cu\"\n") +
          kPlan);
}

TEST(CudaSourceTest, OneTextServesShapesThatDifferInDynamicDims) {
  EXPECT_EQ(Generate(AttentionSpec(), kPlan, 0), Generate(AttentionSpec(), kPlan, 1));
}

TEST(CudaSourceTest, EveryTypeIsThatOfTheToolkit) {
  SpecBuilder builder({"N"}, {"N"});
  builder.Shape({{"N", 256}}).Output("y", DType::kF32, {"N"});
  std::string args;
  for (int i = 0; i < kDTypeCount; ++i) {
    std::string name(Name(static_cast<DType>(i)));
    builder.Scalar("one_" + name, static_cast<DType>(i), "1");
    args += ", one_" + name;
  }
  Spec spec = builder.Build();
  Candidate candidate = Parse(spec, fmt::format("//@ launch f grid(1) block(1) args(y{})\n", args));
  EXPECT_EQ(Declarations(spec, candidate),
            "extern \"C\" __global__ void f(float*, double, float, __half, __nv_bfloat16, __nv_fp8_e4m3, "
            "__nv_fp8_e5m2, long long, int, short, signed char, unsigned long long, unsigned int, unsigned short, "
            "unsigned char, bool);\n");
}

TEST(CudaSourceTest, RefusesWhatIsNotItsOwn) {
  Spec spec = AttentionSpec();
  Candidate cpu = Parse(spec, "//@ call f\n", Target::kCpu);
  EXPECT_EQ(GenerateCudaSource(spec, cpu, {}, spec.shapes[0], kDevice).error().Text(),
            "a candidate for the cpu has no cuda source");
  Candidate candidate = Parse(spec, kPlan);
  EXPECT_EQ(GenerateCudaSource(spec, candidate, {{"BM", 64}}, spec.shapes[0], kDevice).error().Text(),
            "a.cu:2: the configuration has no value for `HUGE_STRIDE`");
}

}  // namespace
}  // namespace kopt
