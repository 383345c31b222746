// What the compiler gets, tried with the compiler.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/files.h"
#include "task/candidate.h"
#include "task/cpu_prefix.h"
#include "task/dtype.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

const Values kDevice = {{"THREADS", 2}};

Candidate Parse(const Spec& spec, std::string source) {
  auto candidate = ParseCandidate(spec, Target::kCpu, std::move(source), "a.cpp");
  if (!candidate) throw std::runtime_error(candidate.error().Text());
  return *std::move(candidate);
}

CpuSource Generate(const Spec& spec, std::string source, int shape = 0) {
  Candidate candidate = Parse(spec, std::move(source));
  auto generated = GenerateCpuSource(spec, candidate, DefaultConfiguration(candidate), spec.shapes[shape], kDevice);
  if (!generated) throw std::runtime_error(generated.error().Text());
  return *std::move(generated);
}

// Exit status and output of a compiler run in `folder`.
std::pair<int, std::string> Compile(const TemporaryFolder& folder, const std::string& arguments) {
  std::string log = (folder.path() / "log").string();
  int status = std::system(
      fmt::format("cd '{}' && g++ -std=c++20 -Wall {} > log 2>&1", folder.path().string(), arguments).c_str());
  return {status, ReadFile(log).value_or("")};
}

std::string Between(const std::string& text, const std::string& begin, const std::string& end) {
  size_t from = text.find(begin);
  return from == std::string::npos ? "" : text.substr(from, text.find(end, from) - from);
}

const char kPlan[] =
    "//@ tune BM = 64 | 128\n//@ tune HUGE_STRIDE = 8589934592\n"
    "//@ scratch partial f32 [S]\n"
    "//@ call attn args(q, v, state, o, partial, scale, S, i64(B * S))\n//@ call done\n//@ call done when(S > 3)\n";

TEST(CpuSourceTest, DeclaresTypesConstantsAndFunctions) {
  CpuSource source = Generate(AttentionSpec(), kPlan);
  EXPECT_EQ(
      Between(source.candidate, "#line 1 \"generated header\"", "#line 1 \"candidate.cpp\""),
      "#line 1 \"generated header\"\n"
      "using q_t = float;\nusing k_t = float;\nusing v_t = _Float16;\nusing state_t = float;\nusing o_t = float;\n"
      "using partial_t = float;\n"
      "constexpr int H = 4;\nconstexpr int D = 64;\n"
      "constexpr int BM = 64;\nconstexpr long long HUGE_STRIDE = 8589934592LL;\nconstexpr int THREADS = 2;\n"
      "extern \"C\" void attn(const float*, const _Float16*, float*, float*, float*, float, int, long long);\n"
      "extern \"C\" void done();\n");
  EXPECT_TRUE(source.candidate.ends_with(std::string("#line 1 \"candidate.cpp\"\n") + kPlan));
  EXPECT_EQ(source.stubs.find("#include"), std::string::npos);
}

TEST(CpuSourceTest, OneTextServesShapesThatDifferInDynamicDims) {
  EXPECT_EQ(Generate(AttentionSpec(), kPlan, 0).candidate, Generate(AttentionSpec(), kPlan, 1).candidate);
}

TEST(CpuSourceTest, HasOneStubForEachCallLine) {
  std::string stubs = Generate(AttentionSpec(), kPlan).stubs;
  EXPECT_NE(stubs.find("case 0:\n      attn(static_cast<const float*>(args[0])"), std::string::npos) << stubs;
  EXPECT_NE(stubs.find("*static_cast<const long long*>(args[7]));"), std::string::npos);
  EXPECT_NE(stubs.find("case 1:\n      done();"), std::string::npos);
  EXPECT_NE(stubs.find("case 2:\n      done();"), std::string::npos);
}

TEST(CpuSourceTest, WritesTheEndsOfTheIntegerRange) {
  Spec spec = AttentionSpec();
  Candidate candidate = Parse(spec, "//@ tune A = -9223372036854775807 - 1\n//@ tune C = -2147483648\n//@ call f\n");
  auto source = GenerateCpuSource(spec, candidate, DefaultConfiguration(candidate), spec.shapes[0], kDevice);
  EXPECT_NE(source->candidate.find("constexpr long long A = -9223372036854775807LL - 1;"), std::string::npos);
  EXPECT_NE(source->candidate.find("constexpr int C = -2147483647 - 1;"), std::string::npos);
}

TEST(CpuSourceTest, AWrongParameterTypeIsAnErrorAtTheCandidatesOwnLine) {
  std::string code = "//@ call f args(q, o, S)\n\nextern \"C\" void f(const double* q, float* o, int S) {}\n";
  auto folder = TemporaryFolder::Create("kopt-test").value();
  ASSERT_TRUE(WriteFile(folder.path() / "a.cpp", Generate(AttentionSpec(), code).candidate));
  auto [status, log] = Compile(folder, "-fsyntax-only a.cpp");
  EXPECT_NE(status, 0);
  EXPECT_NE(log.find("candidate.cpp:3:17: error: conflicting declaration of C function"), std::string::npos) << log;
  EXPECT_NE(log.find("generated header:"), std::string::npos) << log;
}

// Every dtype as tensor and scalar; the small types against kopt's own conversions.
TEST(CpuSourceTest, TheTextsCompileAndTheStubsCall) {
  SpecBuilder builder({"N"}, {"N"});
  builder.Shape({{"N", 256}});
  std::string args, parameters, body;
  for (int i = 0; i < kDTypeCount; ++i) {
    std::string name(Name(static_cast<DType>(i)));
    builder.Input("in_" + name, static_cast<DType>(i), {"N"}).Scalar("one_" + name, static_cast<DType>(i), "1");
    args += fmt::format("in_{0}, one_{0}, ", name);
    parameters += fmt::format("const in_{0}_t* in_{0}, in_{0}_t one_{0}, ", name);
    body += fmt::format("sum += double(in_{0}[0]) + double(one_{0});\n", name);
  }
  builder.Output("sum", DType::kF64, {"1"}).Input("x", DType::kF32, {"N"});
  for (const char* name : {"bf16", "e4m3", "e5m2"})
    builder.Output(fmt::format("to_{}", name), *ParseDType(name), {"N"})
        .Output(fmt::format("from_{}", name), DType::kF32, {"N"});
  std::string code =
      fmt::format("//@ call all args({}sum, N)\n", args) +
      "//@ call convert args(x, in_bf16, in_e4m3, in_e5m2, to_bf16, to_e4m3, to_e5m2, from_bf16, from_e4m3, "
      "from_e5m2, N)\n" +
      fmt::format("extern \"C\" void all({}double* out, int N) {{\n  double sum = N;\n{}  *out = sum;\n}}\n",
                  parameters, body) +
      "void convert(const float* x, const kopt_bf16* b, const kopt_e4m3* c, const kopt_e5m2* d,\n"
      "             kopt_bf16* tb, kopt_e4m3* tc, kopt_e5m2* td, float* fb, float* fc, float* fd, int N) {\n"
      "  for (int i = 0; i < N; ++i) {\n"
      "    tb[i] = x[i]; tc[i] = x[i]; td[i] = x[i];\n"
      "    fb[i] = b[i]; fc[i] = c[i] + 0.0f; fd[i] = d[i] * 1;\n  }\n}\n";
  Spec spec = builder.Build();
  CpuSource source = Generate(spec, code);
  auto folder = TemporaryFolder::Create("kopt-test").value();
  ASSERT_TRUE(WriteFile(folder.path() / "a.cpp", std::string(kCpuPrefix) + source.candidate));
  ASSERT_TRUE(WriteFile(folder.path() / "b.cpp", source.stubs));
  auto [status, log] = Compile(folder, "-O1 -fPIC -shared -o a.so a.cpp b.cpp");
  ASSERT_EQ(status, 0) << log;
  EXPECT_EQ(log, "");
  void* object = dlopen((folder.path() / "a.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(object, nullptr) << dlerror();
  auto entry = reinterpret_cast<void (*)(int, void* const*)>(dlsym(object, "kopt_entry"));
  ASSERT_NE(entry, nullptr);

  // all(): every element 0 is 1, and every scalar.
  std::byte ones[kDTypeCount][8] = {};
  std::vector<void*> pointers;
  for (int i = 0; i < kDTypeCount; ++i) {
    StoreReal(static_cast<DType>(i), ones[i], 0, 1.0);
    pointers.insert(pointers.end(), 2, ones[i]);
  }
  double sum = 0;
  long long n = 100;
  pointers.insert(pointers.end(), {&sum, &n});
  entry(0, pointers.data());
  EXPECT_EQ(sum, 100 + 2 * kDTypeCount);

  // convert(): hard cases of rounding, then a sweep; every code back.
  constexpr int kCount = 65536;
  std::vector<float> x(kCount);
  for (int i = 0; i < kCount; ++i) {
    uint32_t bits = static_cast<uint32_t>(i) << 16 | (i % 3 == 0 ? 0x8000u : i % 3 == 1 ? 0u : 0x7fffu);
    std::memcpy(&x[i], &bits, 4);
  }
  const float hard[] = {448,     464,      464.01f,    480,      61439,      61440,    57344,
                        0x1p-9f, 0x1p-10f, 0x1.8p-10f, 0x1p-17f, 0x1.8p-16f, 0x1.1p0f, 0x1.3p0f};
  std::copy(std::begin(hard), std::end(hard), x.begin());
  const DType types[] = {DType::kBF16, DType::kE4M3, DType::kE5M2};
  std::vector<std::byte> codes[3], to[3];
  std::vector<float> from[3];
  for (int t = 0; t < 3; ++t) {
    codes[t].resize(kCount * 2);
    for (size_t i = 0; i < codes[t].size(); ++i)
      codes[t][i] = Size(types[t]) == 1 ? std::byte(i) : std::byte(i % 2 ? i >> 9 : i >> 1);
    to[t].resize(kCount * 2);
    from[t].resize(kCount);
  }
  n = kCount;
  void* convert[] = {x.data(),
                     codes[0].data(),
                     codes[1].data(),
                     codes[2].data(),
                     to[0].data(),
                     to[1].data(),
                     to[2].data(),
                     from[0].data(),
                     from[1].data(),
                     from[2].data(),
                     &n};
  entry(1, convert);
  for (int t = 0; t < 3; ++t) {
    int wrong = 0;
    for (int i = 0; i < kCount; ++i) {
      auto differ = [](double a, double b) { return std::isnan(a) != std::isnan(b) || (!std::isnan(a) && a != b); };
      wrong += differ(from[t][i], LoadReal(types[t], codes[t].data(), i));
      wrong += differ(LoadReal(types[t], to[t].data(), i), RoundTo(types[t], x[i]));
    }
    EXPECT_EQ(wrong, 0) << Name(types[t]);
  }
  dlclose(object);
}

}  // namespace
}  // namespace kopt
