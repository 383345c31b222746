// The compile service of the cuda target: NVRTC in its sandbox. Needs CUDA's toolkit, but no device.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "prompts/knowledge.h"
#include "task/cuda_source.h"
#include "verifier/cuda/compile.h"
#include "verifier/cuda/compile_ahead.h"
#include "verifier/cuda/cuda_verifier.h"

namespace kopt {

extern const std::string_view kCudaExample;

namespace {

constexpr const char* kGood = R"(extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= 2; })";

class CudaCompileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto toolkit = FindCudaToolkit();
    if (!toolkit) GTEST_SKIP() << toolkit.error().Text();
    toolkit_ = *toolkit;
    options_.worker = (ProgramFolder() / "kopt-worker-cuda").string();
    options_.guard = (ProgramFolder() / "kopt-worker-cpu").string();
  }

  Result<CudaCompileService> Service() { return CudaCompileService::Create(toolkit_, "sm_90a", options_); }

  CudaCompileResult Compile(const std::string& candidate) {
    auto service = Service();
    EXPECT_TRUE(service) << service.error().Text();
    const std::string text = "#line 1 \"candidate.cu\"\n" + candidate;
    auto result = service->Compile(text, CudaCompileService::PrefixFor(text));
    EXPECT_TRUE(result) << result.error().Text();
    return *result;
  }

  CudaToolkit toolkit_;
  CudaCompileOptions options_;
};

TEST_F(CudaCompileTest, GivesACubinAndWhatItsKernelsNeed) {
  const CudaCompileResult result = Compile(R"(
extern "C" __global__ void first(float* x) {
  __shared__ float s[64];
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = s[63 - threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(1024) second(float* x, int n) {
  float r[200];
#pragma unroll
  for (int i = 0; i < 200; ++i) r[i] = x[i * threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 200; ++i) x[i + n] = r[199 - i] * r[i];
})");
  ASSERT_EQ(result.kind, CudaCompileResult::Kind::kCubin) << result.log;
  EXPECT_TRUE(result.cubin.starts_with("\177ELF"));
  ASSERT_EQ(result.kernels.size(), 2U);
  for (const KernelUsage& kernel : result.kernels) {
    EXPECT_GT(kernel.registers, 0);
    const bool spills = kernel.name == "second";
    EXPECT_EQ(kernel.spill_stores > 0, spills) << kernel.name;
    EXPECT_EQ(kernel.shared_bytes, spills ? 0 : 256) << kernel.name;
  }
  EXPECT_EQ(result.log, "");
}

// The worked examples, with a sleep before whatever a race could come from: the assembler takes them, and says of each
// kernel what it needs.
TEST_F(CudaCompileTest, AssemblesCodeWithWarpsThatAreLate) {
  if (toolkit_.jitlink.empty()) GTEST_SKIP() << "the toolkit has no libnvJitLink";
  auto service = Service();
  ASSERT_TRUE(service) << service.error().Text();
  for (const std::string file : {"attention_wgmma", "matmul_f16", "matmul_wgmma", "scan", "softmax"}) {
    const std::string spec_file = file == "attention_wgmma" ? "attention_f16" : file;
    const auto spec = ReadSpec(fmt::format("{}/examples/{}.spec", KOPT_SOURCE_DIR, spec_file));
    ASSERT_TRUE(spec) << spec.error().Text();
    const auto text = ReadFile(fmt::format("{}/examples/{}.cu", KOPT_SOURCE_DIR, file));
    ASSERT_TRUE(text) << text.error().Text();
    const auto candidate = ParseCandidate(*spec, Target::kCuda, *text, "candidate.cu");
    ASSERT_TRUE(candidate) << candidate.error().Text();
    const auto source = GenerateCudaSource(*spec, *candidate, DefaultConfiguration(*candidate),
                                           *spec->Scored(Target::kCuda).front(), {});
    ASSERT_TRUE(source) << source.error().Text();
    const auto prefix = CudaCompileService::PrefixFor(*text);
    const auto plain = service->Compile(source->text, prefix);
    const auto late = service->Compile(source->text, prefix, CudaCompileService::Warps::kLate);
    ASSERT_TRUE(plain && late) << file;
    ASSERT_EQ(late->kind, CudaCompileResult::Kind::kCubin) << file << ": " << late->log;
    EXPECT_GT(late->cubin.size(), plain->cubin.size()) << file;
    ASSERT_EQ(late->kernels.size(), plain->kernels.size()) << file << ": " << late->log;
    for (size_t i = 0; i < plain->kernels.size(); ++i) {
      std::printf("%s: %d registers, late %d\n", plain->kernels[i].name.c_str(), plain->kernels[i].registers,
                  late->kernels[i].registers);
      EXPECT_EQ(late->kernels[i].name, plain->kernels[i].name);
    }
  }
}

TEST_F(CudaCompileTest, HasTheInstructionsOfTheDevice) {
  const CudaCompileResult result =
      Compile(R"(extern "C" __global__ void f() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); })");
  EXPECT_EQ(result.kind, CudaCompileResult::Kind::kCubin) << result.log;
}

// The candidates that prompts show, without a word of the compiler.
TEST_F(CudaCompileTest, CompilesTheExamplesOfThePromptsWithoutSpills) {
  const std::pair<const char*, std::string_view> examples[] = {
      {"tests/prompts/row_sums.spec", kCudaExample},
      {"examples/matmul_wgmma.spec", KnowledgeOf("sm_90a").example},
  };
  for (const auto& [file, example] : examples) {
    const auto spec = ReadSpec(std::string(KOPT_SOURCE_DIR "/") + file);
    ASSERT_TRUE(spec) << spec.error().Text();
    const auto candidate = ParseCandidate(*spec, Target::kCuda, std::string(example), "candidate.cu");
    ASSERT_TRUE(candidate) << candidate.error().Text();
    const auto compiled = CompileForCuda(*spec, *candidate, DefaultConfiguration(*candidate), "sm_90a", {});
    ASSERT_TRUE(compiled) << compiled.error().Text();
    EXPECT_TRUE(compiled->compiled) << compiled->verdict.reason;
    EXPECT_FALSE(compiled->verdict.evidence.contains("log")) << compiled->verdict.evidence["log"];
    for (const auto& kernel : compiled->verdict.evidence["kernels"]) {
      EXPECT_EQ(kernel["spill_store_bytes"], 0) << kernel;
      EXPECT_EQ(kernel["stack_bytes"], 0) << kernel;
    }
  }
}

TEST_F(CudaCompileTest, ServesWhatCandidatesIncludeOutOfHabit) {
  const CudaCompileResult plain = Compile(R"(
#include <cuda.h>
#include <cuda_runtime.h>
#include <cuda_fp16.h>
#include <cstdint>
#include <math.h>
#include <float.h>
extern "C" __global__ void f(float* x, uint64_t n, const __grid_constant__ CUtensorMap map) {
  if (n < INT_MAX) x[0] = fmaxf(x[0], -INFINITY) + FLT_MAX + static_cast<float>(sizeof(map)) + NAN;
})");
  EXPECT_EQ(plain.kind, CudaCompileResult::Kind::kCubin) << plain.log;
  EXPECT_EQ(plain.log, "");
  const CudaCompileResult libraries = Compile(R"(
#include <algorithm>
#include <cooperative_groups.h>
#include <cuda/barrier>
namespace cg = cooperative_groups;
extern "C" __global__ void f(float* x, int64_t n, const __grid_constant__ CUtensorMap map) {
  __shared__ cuda::barrier<cuda::thread_scope_block> bar;
  auto block = cg::this_thread_block();
  if (block.thread_rank() == 0) init(&bar, blockDim.x);
  block.sync();
  bar.arrive_and_wait();
  x[0] = std::max(x[0], std::numeric_limits<float>::lowest());
})");
  EXPECT_EQ(libraries.kind, CudaCompileResult::Kind::kCubin) << libraries.log;
  EXPECT_EQ(libraries.log, "");
}

TEST_F(CudaCompileTest, TheAssemblersRemarksOnSpeedAreKept) {
  std::string log =
      "ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored to maintain minimum register "
      "requirements.\n"
      "ptxas info    : Compiling entry function 'f' for 'sm_90a'\n"
      "ptxas info    : Used 8 registers, used 0 barriers\n";
  EXPECT_EQ(TakeUsage(log).size(), 1U);
  EXPECT_EQ(PerformanceRemarks(log),
            std::vector<std::string>{
                "Potential Performance Loss: 'setmaxnreg' ignored to maintain minimum register requirements."});
  const CudaCompileResult result = Compile(R"(
extern "C" __global__ void f(float* x) {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 240;");
  x[threadIdx.x] = 1;
})");
  ASSERT_EQ(result.kind, CudaCompileResult::Kind::kCubin) << result.log;
  EXPECT_EQ(PerformanceRemarks(result.log).size(), 1U) << result.log;
}

// Number `i` of texts that differ, each with some work for the compiler.
CompileAhead::Text TextNumber(int i) {
  std::string text = fmt::format("#line 1 \"candidate.cu\"\nextern \"C\" __global__ void f{}(float* x) {{\n", i);
  for (int k = 0; k < 30; ++k) text += fmt::format("  x[{}] = sinf(x[{}]) + {};\n", k, k + 1, i);
  return {.text = text + "}\n", .prefix = CudaCompileService::Prefix::kNone};
}

TEST_F(CudaCompileTest, WhatWasCompiledAheadIsFound) {
  auto service = Service();
  ASSERT_TRUE(service);
  CompileAhead ahead(*service);
  ahead.Ask({TextNumber(1)});
  const auto is_compiled = [&] { return service->IsCompiled(TextNumber(1).text, TextNumber(1).prefix); };
  for (int i = 0; i < 600 && !is_compiled(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(is_compiled());
  const auto result = service->Compile(TextNumber(1).text, TextNumber(1).prefix);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->cached);
  EXPECT_EQ(result->kind, CudaCompileResult::Kind::kCubin);
}

TEST_F(CudaCompileTest, NothingAheadIsCompiledOnceNobodyNeedsIt) {
  auto service = Service();
  ASSERT_TRUE(service);
  std::vector<CompileAhead::Text> many;
  for (int i = 0; i < 200; ++i) many.push_back(TextNumber(i));
  {
    CompileAhead ahead(*service);
    ahead.Ask(many);
  }
  const auto known = std::ranges::count_if(
      many, [&](const CompileAhead::Text& text) { return service->IsCompiled(text.text, text.prefix); });
  EXPECT_LE(known, 8) << "those that had begun";
  CompileAhead ahead(*service);
  ahead.Ask(many);
  const CompileAhead::Hold quiet = ahead.Quiet();
  EXPECT_FALSE(service->IsCompiled(many.back().text, many.back().prefix));
}

TEST_F(CudaCompileTest, TwoWhoAskForATextGetOneCompile) {
  auto service = Service();
  ASSERT_TRUE(service);
  ASSERT_TRUE(service->Prepare(CudaCompileService::Prefix::kNone));
  std::atomic<int> cached = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const auto result = service->Compile(TextNumber(7).text, TextNumber(7).prefix);
        cached += result && result->cached ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(cached, 3);
}

TEST_F(CudaCompileTest, NamesTheCandidatesOwnLine) {
  const CudaCompileResult result = Compile("\nextern \"C\" __global__ void f(float* x) { x[0] = y; }");
  EXPECT_EQ(result.kind, CudaCompileResult::Kind::kErrors);
  EXPECT_EQ(result.reason, "candidate.cu(2): error: identifier \"y\" is undefined");
  const CudaCompileResult ptx =
      Compile("\nextern \"C\" __global__ void f() {\n  asm volatile(\"no.such.instruction;\");\n}");
  EXPECT_EQ(ptx.kind, CudaCompileResult::Kind::kErrors);
  EXPECT_EQ(ptx.reason, "candidate.cu(3): error: Unknown modifier '.such'");
}

TEST_F(CudaCompileTest, ShowsNoFileOfTheHost) {
  for (const char* path : {"/etc/passwd", "/proc/self/environ", "/proc/self/cmdline"}) {
    const CudaCompileResult result = Compile(std::string("#include \"") + path + "\"\n" + kGood);
    EXPECT_EQ(result.kind, CudaCompileResult::Kind::kErrors);
    EXPECT_NE(result.log.find("cannot open source file"), std::string::npos) << result.log;
    EXPECT_EQ(result.log.find("root:"), std::string::npos);
    EXPECT_EQ(result.log.find("LC_ALL"), std::string::npos);
  }
  const CudaCompileResult probe =
      Compile("#if __has_include(\"/etc/passwd\") || __has_include(\"/proc/self/environ\")\n#error seen\n#endif\n" +
              std::string(kGood));
  EXPECT_EQ(probe.kind, CudaCompileResult::Kind::kCubin) << probe.log;
}

TEST_F(CudaCompileTest, EndsWhatDoesNotEnd) {
  options_.seconds = 3;
  const CudaCompileResult result = Compile(R"(
template <int n, int m> __device__ float f(float x) {
  if constexpr (n == 0) return x + m; else return f<n - 1, 2 * m>(x) * f<n - 1, 2 * m + 1>(x);
}
extern "C" __global__ void g(float* x) { x[0] = f<24, 1>(x[1]); }
)");
  EXPECT_EQ(result.kind, CudaCompileResult::Kind::kTimeout) << result.reason << result.log.substr(0, 500);
  EXPECT_EQ(result.reason, "the compiler did not finish in 3 s");
  EXPECT_LT(result.seconds, 10);
}

TEST_F(CudaCompileTest, CutsAFloodOfWords) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "__device__ int f" + std::to_string(i) + "() { int unused; return 1.5; }\n";
  const CudaCompileResult result = Compile(text + kGood);
  EXPECT_LE(result.log.size(), 1U << 16);
}

TEST_F(CudaCompileTest, KeepsResultsByContent) {
  const auto folder = TemporaryFolder::Create("kopt_test");
  ASSERT_TRUE(folder);
  options_.cache = folder->path();
  const CudaCompileResult first = Compile(kGood), second = Compile(kGood), other = Compile(std::string(kGood) + "\n");
  EXPECT_FALSE(first.cached);
  EXPECT_TRUE(second.cached);
  EXPECT_EQ(second.cubin, first.cubin);
  ASSERT_EQ(second.kernels.size(), 1U);
  EXPECT_EQ(second.kernels[0].registers, first.kernels[0].registers);
  EXPECT_FALSE(other.cached);
}

TEST_F(CudaCompileTest, ServesSeveralThreads) {
  auto service = Service();
  ASSERT_TRUE(service);
  std::vector<std::jthread> threads;
  std::vector<int> good(6);
  for (size_t i = 0; i < good.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto result = service->Compile(kGood + std::string("\n__device__ int v") + std::to_string(i) + ";",
                                           CudaCompileService::Prefix::kNumbers);
      good[i] = result && result->kind == CudaCompileResult::Kind::kCubin ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(good, std::vector<int>(6, 1));
  const auto version = service->Version();
  ASSERT_TRUE(version);
  EXPECT_TRUE(version->starts_with("NVRTC 1")) << *version;
}

TEST_F(CudaCompileTest, SaysWhatIsMissing) {
  options_.worker = "/nowhere/kopt-worker-cuda";
  const auto service = Service();
  ASSERT_FALSE(service);
  EXPECT_EQ(service.error().exit, Exit::kEnvironment);
  options_.worker = (ProgramFolder() / "kopt-worker-cuda").string();
  toolkit_.nvrtc = "/nowhere/libnvrtc.so";
  auto broken = Service();
  ASSERT_TRUE(broken);
  const auto result = broken->Compile(kGood, CudaCompileService::Prefix::kNone);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit, Exit::kEnvironment);
  EXPECT_NE(result.error().message.find("/nowhere/libnvrtc.so"), std::string::npos);
}

TEST(NeedsLibrariesTest, LooksAtNamesAndHeaders) {
  EXPECT_FALSE(NeedsLibraries("#include <cuda_fp16.h>\n__device__ int stdlike; // std::max\n"));
  EXPECT_TRUE(NeedsLibraries("int x = std::max(1, 2);"));
  EXPECT_TRUE(NeedsLibraries("#include <cooperative_groups.h>"));
  EXPECT_TRUE(NeedsLibraries("# include <cuda/barrier>"));
  EXPECT_TRUE(NeedsLibraries("namespace cg = cooperative_groups;"));
  EXPECT_TRUE(NeedsLibraries("using namespace nvcuda;"));
}

TEST(TakeUsageTest, ReadsPtxas) {
  std::string log =
      "candidate.cu(1): warning: odd\n"
      "ptxas info    : 10 bytes gmem\n"
      "ptxas info    : Compiling entry function 'h' for 'sm_90a'\n"
      "ptxas info    : Function properties for h\n"
      "ptxas         .     488 bytes stack frame, 832 bytes spill stores, 840 bytes spill loads\n"
      "ptxas info    : Used 32 registers, used 1 barriers, 488 bytes cumulative stack size, 256 bytes smem\n"
      "ptxas info    : Compile time = 85.836 ms\n"
      "ptxas warning : something\n";
  const auto kernels = TakeUsage(log);
  ASSERT_EQ(kernels.size(), 1U);
  EXPECT_EQ(kernels[0].name, "h");
  EXPECT_EQ(kernels[0].registers, 32);
  EXPECT_EQ(kernels[0].stack_bytes, 488);
  EXPECT_EQ(kernels[0].spill_stores, 832);
  EXPECT_EQ(kernels[0].spill_loads, 840);
  EXPECT_EQ(kernels[0].shared_bytes, 256);
  EXPECT_EQ(log, "candidate.cu(1): warning: odd\nptxas warning : something");
}

}  // namespace
}  // namespace kopt
