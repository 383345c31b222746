#include "agent/report/explain.h"

#include <gtest/gtest.h>

#include "tests/agent/markup_check.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr const char* kSpec = R"spec(kopt = 1
name = "scale"
dims = ["N"]
[[shape]]
N = 1000
[[shape]]
N = 1000000
[[input]]
name = "x"
dtype = "f32"
shape = ["N"]
fill = "normal(0, 1)"
[[output]]
name = "y"
dtype = "f32"
shape = ["N"]
[[reference]]
over = ["i:N"]
code = "y(i) = 2 * x(i);"
[work]
flops = "FLOPS"
)spec";

Spec SpecWith(const std::string& flops) {
  std::string text = kSpec;
  text.replace(text.find("FLOPS"), 5, flops);
  auto spec = ParseSpec(text, "scale.spec");
  EXPECT_TRUE(spec) << spec.error().Text();
  return *std::move(spec);
}

const Peaks kPeaks{.read_bytes = 20e9, .write_bytes = 10e9, .flops = {{"f32", 100e9}}};
const ordered_json kEvidence = {
    {"shapes", {{{"shape", "N=1000"}, {"time_us", 1.0}}, {{"shape", "N=1000000"}, {"time_us", 800.0}}}}};

std::string Letters(const Prose& prose) {
  std::string text;
  for (const Inline& part : prose.parts) text += part.text;
  return text;
}

TEST(Explain, MemoryMayBeTheBound) {
  const Spec spec = SpecWith("N");
  const auto rates = RatesOf(spec, Target::kCpu, kEvidence, kPeaks);
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_DOUBLE_EQ(rates[0].operations, 1e9);
  EXPECT_DOUBLE_EQ(rates[0].bytes, 8e9);
  EXPECT_FALSE(rates[0].arithmetic);
  EXPECT_NEAR(rates[0].least_seconds, 4000 / 20e9 + 4000 / 10e9, 1e-15);
  EXPECT_EQ(
      Letters(RatesText(rates[1], "f32")),
      "At N=1000000 a call takes 800 us: 1.25 Gop/s in f32, 1.2 % of this machine's peak of 100 Gop/s; 10.0 GB/s, "
      "75.0 % of this machine's peak of 13.3 GB/s. Memory is the bound: at that peak the bytes take 600 us, and a "
      "call takes 1.33 times as long.");
}

TEST(Explain, ArithmeticMayBeTheBound) {
  const auto rates = RatesOf(SpecWith("1000 * N"), Target::kCpu, kEvidence, kPeaks);
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_TRUE(rates[0].arithmetic);
  EXPECT_EQ(
      Letters(RatesText(rates[0], "f32")),
      "At N=1000 a call takes 1.00 us: 1.00 Top/s in f32, 1000.0 % of this machine's peak of 100 Gop/s; 8.00 GB/s, "
      "60.0 % of this machine's peak of 13.3 GB/s. That is less than the 10.0 us that the declared operations take "
      "at that peak: it does fewer of them, or cheaper ones.");
}

TEST(Explain, WithoutPeaksThereAreRates) {
  const auto rates = RatesOf(SpecWith("N"), Target::kCpu, kEvidence, {});
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_EQ(Letters(RatesText(rates[0], "f32")),
            "At N=1000 a call takes 1.00 us: 1.00 Gop/s in f32; 8.00 GB/s. What this machine can reach is not known: "
            "kopt doctor --calibrate measures it.");
  EXPECT_EQ(RatesPicture(rates), "");
  EXPECT_EQ(RatesPicture({}), "");
}

TEST(Explain, EvidenceThatDoesNotFitIsNotExplained) {
  const Spec spec = SpecWith("N");
  for (const ordered_json& evidence :
       {ordered_json(), ordered_json::object(), ordered_json{{"shapes", 3}}, ordered_json{{"shapes", {1, "x"}}},
        ordered_json{{"shapes", {{{"shape", "N=1000"}, {"time_us", 1.0}}}}},
        ordered_json{{"shapes", {{{"time_us", "1"}}, {{"time_us", nullptr}}}}}}) {
    EXPECT_TRUE(RatesOf(spec, Target::kCpu, evidence, kPeaks).empty()) << evidence;
  }
}

TEST(Explain, ThePictureHasBothRates) {
  const std::string picture = RatesPicture(RatesOf(SpecWith("N"), Target::kCpu, kEvidence, kPeaks));
  EXPECT_EQ(MarkupCheck(picture).problem(), "") << picture;
  EXPECT_NE(
      picture.find("operations/s 1.25 Gop/s of 100 Gop/s, 1.2 %; bytes/s 10.0 GB/s of 13.3 GB/s, 75.0 %: the bound."),
      std::string::npos)
      << picture;
}

TEST(Explain, FindsWhatIsVectorisedByHand) {
  EXPECT_EQ(ExplicitVectors("typedef float V __attribute__((vector_size(32)));"), "vector_size");
  EXPECT_EQ(ExplicitVectors("auto v = _mm256_loadu_ps(x);"), "_mm256_loadu_ps");
  EXPECT_EQ(ExplicitVectors("__m512 v;"), "__m512");
  EXPECT_EQ(ExplicitVectors("// _mm256_loadu_ps\nconst char* s = \"__m256\";\n#pragma omp simd\nint i;"), "");
}

TEST(Explain, SaysWhatTheCompilerVectorised) {
  const char* plain = "int i;";
  const char* by_hand = "__m256 v;";
  const ordered_json none = ordered_json::array();
  const ordered_json loops = {{{"line", 5}, {"bytes", 16}}, {{"line", 5}, {"bytes", 32}}, {{"line", 7}, {"bytes", 32}}};
  const auto text = [](const ordered_json& told, const char* source) {
    return Letters(VectorisationText(told, source));
  };
  EXPECT_EQ(text(loops, plain),
            "The compiler vectorised 2 loops of the source, with vectors of the size in brackets: line 5 (32 and 16 "
            "bytes), line 7 (32 bytes).");
  EXPECT_TRUE(text(loops, by_hand).ends_with(" Besides, the source is vectorised by hand (__m256)."));
  EXPECT_EQ(text(none, plain), "The compiler vectorised no loop of the source.");
  EXPECT_EQ(text(none, by_hand),
            "The compiler vectorised no loop of the source, which says little: it is vectorised by hand (__m256).");
  EXPECT_EQ(text({}, plain), "Which loops of the source the compiler vectorised is not known.");
  EXPECT_EQ(text({}, by_hand),
            "Which loops of the source the compiler vectorised is not known. The source is vectorised by hand: it uses "
            "__m256.");
}

TEST(Explain, SaysWhatTheCompilerGaveTheKernels) {
  const ordered_json kernels = {
      {{"kernel", "part"}, {"registers", 168}, {"spill_store_bytes", 0}, {"shared_bytes", 0}, {"shape", "D=64"}},
      {{"kernel", "sum"}, {"registers", 40}, {"spill_store_bytes", 16}, {"shared_bytes", 512}}};
  EXPECT_EQ(Letters(KernelsText(kernels)),
            "part at D=64: 168 registers a thread, none spilt. sum: 40 registers a thread, 16 bytes of them spilt, 512 "
            "bytes of static shared memory.");
  EXPECT_TRUE(KernelsText({}).parts.empty());
}

}  // namespace
}  // namespace kopt
