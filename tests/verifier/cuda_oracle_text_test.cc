#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/verifier/nvrtc_test.h"
#include "tests/verifier/spec_builder.h"
#include "verifier/cuda/oracle_text.h"

namespace kopt {
namespace {

class CudaOracleText : public NvrtcTest {
 protected:
  Compiled Compile(const std::string& text) const { return CompileWith(text, OracleCompileOptions()); }

  // Compiles the spec's kernels and looks for all of them.
  void ExpectCompiles(const Spec& spec) const {
    const Result<std::string> text = GenerateCudaOracle(spec);
    ASSERT_TRUE(text) << text.error().Text();
    const Compiled compiled = Compile(*text);
    EXPECT_TRUE(compiled.good) << spec.name << "\n" << compiled.log;
    std::vector<std::string> kernels = SolveKernels(spec), codes = CodeKernels(spec);
    kernels.insert(kernels.end(), codes.begin(), codes.end());
    for (size_t k = 0; k < FunctionsOf(spec).accept_tensors.size(); ++k)
      kernels.push_back(AcceptKernel(spec, static_cast<int>(k)));
    for (const std::string& kernel : kernels)
      EXPECT_NE(compiled.cubin.find(".text." + kernel + '\0'), std::string::npos) << kernel;
  }
};

Reference Over1(std::string code, int line = 12) {
  return {.over = OverOf({{"i", "N"}}), .code = std::move(code), .code_position = {.line = line, .column = 1}};
}

TEST_F(CudaOracleText, EveryExampleCompiles) {
  std::set<std::filesystem::path> specs = {KOPT_SOURCE "/tests/verifier/tasks/everything.spec"};
  for (const auto& entry : std::filesystem::directory_iterator(KOPT_SOURCE "/examples"))
    if (entry.path().extension() == ".spec") specs.insert(entry.path());
  EXPECT_GT(specs.size(), 8U);
  for (const std::filesystem::path& path : specs) {
    const Result<Spec> spec = ReadSpec(path);
    ASSERT_TRUE(spec) << spec.error().Text();
    ExpectCompiles(*spec);
  }
}

TEST_F(CudaOracleText, EveryTypeIsReadWrittenAndMadeByCode) {
  for (int t = 0; t < kDTypeCount; ++t) {
    const DType type = static_cast<DType>(t);
    Tensor made = Input("made", type, {"N"});
    made.code = "made(0) = 1; made(1) += 2; made(2) = made(0);";
    Spec spec = SpecOf({{"N", 8}}, {Input("x", type, {"N"}), made, Inout("y", type, {"N"}), Output("o", type, {"N"})},
                       {Over1("o(i) = x(i); o(i) += y(i) + made(i); y(i) = made(i) * 2;")});
    spec.name = Name(type);
    spec.scalars.push_back({.name = "unused", .dtype = type, .value = ExprOf("1")});
    ExpectCompiles(spec);
  }
}

TEST_F(CudaOracleText, StridesTempsAcceptAndSeveralReferences) {
  Spec spec = SpecOf({{"N", 8}, {"M", 2}},
                     {Input("x", DType::kF32, {"N", "M"}), Inout("y", DType::kBF16, {"N"}),
                      Output("o", DType::kF16, {"N", "M"}), Output("count", DType::kU32, {}), Temp("t", {"N"})},
                     {Over1("t(i) = x(i, 0) * x(i, M - 1);"),
                      Over1("t(i) -= 1; count() += 1; count() |= i;"),
                      {.over = OverOf({{"i", "ceil_div(N, 2) * 2"}, {"j", "min(M, align(1, 2))"}}),
                       .code = "o(i, j) = t(i) * y(i); y(i) = real(j) + pow(2, 3);"}});
  spec.tensors[0].strides = ExprsOf({"1", "N + 3"});
  spec.tensors[2].strides = ExprsOf({"M + 1", "1"});
  spec.tensors[2].accept =
      Accept{.over = OverOf({{"i", "N"}}), .code = "return got_o(i, 0) <= truth_o(i, 0) && truth_count() > i;"};
  spec.tensors[3].accept = Accept{.over = {}, .code = "return got_count() == 3;"};
  ExpectCompiles(spec);
  EXPECT_EQ(SolveKernels(spec), (std::vector<std::string>{"kopt_oracle_0", "kopt_oracle_1", "kopt_oracle_begin_2",
                                                          "kopt_oracle_2", "kopt_oracle_begin_3", "kopt_oracle_3"}));
  EXPECT_EQ(AcceptKernel(spec, 1), "kopt_oracle_5");
}

TEST_F(CudaOracleText, TheFunctionsOfSpecsAreInScope) {
  const char* code = R"(
const double d = sqrt(2) + exp(0.5) + abs(-3) + abs(-2.5) + max(1, 2.5) + min(i, 3) + rsqrt(4.0) + fma(1.0, 2.0, 3.0);
real a = x(i), b = 2;
a = exp(a) + exp2(a) + expm1(a) + log(a) + log2(a) + log10(a) + log1p(a) + sqrt(a) + rsqrt(a) + cbrt(a) + tanh(a);
a += sinh(a) + cosh(a) + asinh(a) + acosh(a) + atanh(a) + sin(a) + cos(a) + tan(a) + asin(a) + acos(a) + atan(a);
a -= atan2(a, b) + hypot(a, 1) + erf(a) + erfc(a) + pow(a, 0.5) + fma(a, b, 1) + fmod(a, 2) + copysign(a, b) + pi;
a *= floor(a) + ceil(a) + trunc(a) + round(a) + rint(a) + nearbyint(a) + fmin(a, b) + fmax(a, b) + clamp(a, 0, 1);
a /= select(isnan(a) || isinf(b) || !isfinite(a) || signbit(a), max(a, -inf), min(a, nan)) + abs(a) + fabs(a) + d;
o(i) = a > 0 ? a : real(lgamma(d) + tgamma(d) + fmod(d, 2) + pow(2, 3) + isnan(d));
)";
  ExpectCompiles(SpecOf({{"N", 8}}, {Input("x", DType::kF32, {"N"}), Output("o", DType::kF32, {"N"})}, {Over1(code)}));
}

TEST_F(CudaOracleText, AnErrorIsAtTheSpecsOwnLine) {
  const Spec spec = SpecOf({{"N", 8}}, {Output("o", DType::kF32, {"N"})}, {Over1("o(i) = 1;\no(i) = y(i);", 40)});
  const Compiled compiled = Compile(*GenerateCudaOracle(spec));
  EXPECT_FALSE(compiled.good);
  EXPECT_TRUE(compiled.log.starts_with("task.spec(41): error: identifier \"y\" is undefined")) << compiled.log;
}

TEST_F(CudaOracleText, CodeThatLeavesItsFunctionIsRefused) {
  const Result<std::string> text =
      GenerateCudaOracle(SpecOf({{"N", 8}}, {Output("o", DType::kF32, {"N"})}, {Over1("} } {{")}));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message, "`}` without `{`");
}

TEST_F(CudaOracleText, TheKernelsThatJudgeOutputsCompile) {
  const Compiled compiled = Compile(OutputKernelsText());
  EXPECT_TRUE(compiled.good) << compiled.log;
  for (const char* kernel : {"kopt_draw", "kopt_fill_gaps", "kopt_compare", "kopt_store_truth", "kopt_first_unwritten"})
    EXPECT_NE(compiled.cubin.find(std::string(".text.") + kernel), std::string::npos) << kernel;
}

}  // namespace
}  // namespace kopt
