// Exported kernels for GPUs: the packages' texts, and that the steps which they put into a stream are those of the
// plan.
#include "tests/agent/export_cuda_fixture.h"

namespace kopt {
namespace {

TEST_F(CudaPackageTest, TextsEqualTheGoldens) {
  const StoredRun run = StepsRun();
  Make(run);
  ExpectGolden("export_cuda_header.txt", File("include/steps.h"));
  ExpectGolden("export_cuda_run.txt", File("src/run.cpp"));
  ExpectGolden("export_cuda_readme.md", File("README.md"));
  ExpectGolden("export_cuda_cmake.txt", File("CMakeLists.txt"));
  EXPECT_EQ(File("src/kernel.cu"), SourceWithBoundTunables(*run.contestants.seed, run.confirmations[0].configuration));
  EXPECT_EQ(File("src/kernel_1.cubin"), "kernel1 ");
  EXPECT_EQ(File("src/kernel_2.cubin"), "there is no src/kernel_2.cubin");
  const std::string kernel = File("src/kernel_1.cu");
  for (const char* words : {"#include \"prefix.cuh\"", "using x_t = __half;", "constexpr int C = 64;",
                            "constexpr int LANES = 256;", "constexpr int SMS = 132;", "#include \"kernel.cu\"",
                            "extern \"C\" __global__ void count(const __half*, int*, int*, int);"})
    EXPECT_NE(kernel.find(words), std::string::npos) << words << "\n" << kernel;
}

TEST_F(CudaPackageTest, AnotherCompilerMakesOtherCode) {
  StoredRun run = StepsRun();
  verifier_.spec = &run.spec;
  run.row.settings["made_with"] = {{"compiler", "libnvrtc.so.12"}};
  EXPECT_TRUE(MakeExport(run, "0.1.0", verifier_));
  verifier_.device_now.facts["compiler"] = "libnvrtc.so.13";
  const auto refused = MakeExport(run, "0.1.0", verifier_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, Exit::kEnvironment);
  EXPECT_NE(refused.error().message.find("code by libnvrtc.so.12; here libnvrtc.so.13 compiles"), std::string::npos);
}

TEST_F(CudaPackageTest, TakesTheStepsOfThePlan) { ExpectSteps(StepsRun(), {{.dims = {{"R", 2}, {"C", 64}}}}); }

TEST_F(CudaPackageTest, TakesTheStepsOfTheExamples) {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"vector_add.spec", "vector_add.cu"},     {"scan.spec", "scan.cu"},
      {"scan.spec", "scan_baseline.cu"},        {"softmax.spec", "softmax.cu"},
      {"matmul_wgmma.spec", "matmul_wgmma.cu"}, {"attention_f16.spec", "attention_wgmma.cu"}};
  for (const auto& [spec, source] : examples) {
    SCOPED_TRACE(source);
    ExpectSteps(CudaRun(Read(Source("examples") / spec), Read(Source("examples") / source), {}), {});
  }
}

constexpr const char* kSpec = R"spec(kopt = 1
name = "many"
dims = ["N", "D"]
dynamic = ["N"]
[[shape]]
N = 100
D = 64
[[check]]
N = 8
D = 64
[[input]]
name = "x"
dtype = "f32"
shape = ["N", "D"]
strides = ["D + 4", "1"]
fill = "normal(0, 1)"
[[input]]
name = "e"
dtype = "e4m3"
shape = ["N", "D"]
fill = "normal(0, 1)"
[[output]]
name = "y"
dtype = "f32"
shape = ["N", "D"]
[[reference]]
over = ["n:N", "d:D"]
code = "y(n, d) = x(n, d) + e(n, d);"
)spec";
constexpr const char* kSource = R"source(//@ tune BLOCK = 64 | 128
//@ scratch part f32 [2, N, D]
//@ scratch more bf16 [max(N, 3), 8, D]
//@ tensormap rows = x dims [N, D] strides [D + 4] box [8, 32] swizzle 128 fill nan type tf32
//@ tensormap deep = more dims [N, 8, D] box [4, 2, 64] step [2, 1, 1] swizzle 128 l2 256
//@ tensormap bytes = e dims [N * D] box [256] l2 64
//@ tensormap unused = part dims [N - 1000, D] box [8, 8]
//@ launch first grid(ceil_div(N, 8), 2, 3) block(32, 4, 2) smem(N * 1024) cluster(1, 2) args(rows, y, i64(N * 4294967296))
//@ launch wide grid(16) block(BLOCK) cluster(16) args(deep, bytes, -N)
//@ zero part
//@ launch turn for p in 0..N / 20 when(p % 2 == 0) grid(p * occupancy(turn)) block(BLOCK + p) smem(1024 * p) args(part, p)
//@ launch turn when(N == 7) grid(occupancy(first)) block(32) args(part, 7)
//@ launch last when(N < 50) grid(SMS, occupancy(last)) block(min(BLOCK, occupancy(first) * 64)) cooperative pdl args(x, rows)
//@ launch last when(N >= 50) grid(min(SMS * occupancy(last), N)) block(BLOCK) cooperative pdl args(x, rows)
//@ launch never when(N < 0) grid(1) block(1) args(unused)
extern "C" __global__ void first(const __grid_constant__ CUtensorMap, float*, long long);
)source";

TEST_F(CudaPackageTest, TakesTheStepsOfAPlanWithEverything) {
  ExpectSteps(CudaRun(kSpec, kSource, {{"BLOCK", 128}}),
              {{.dims = {{"N", 33}, {"D", 64}}}, {.dims = {{"N", 51}, {"D", 64}}}});
}

TEST_F(CudaPackageTest, SaysWhatIsWrong) {
  const StoredRun run = StepsRun();
  Make(run);
  // The program tries one thing after another; each says so before any step.
  const Shape& judged = run.spec.shapes[0];
  const Shape other{.dims = {{"R", 2}, {"C", 64}}}, unknown{.dims = {{"R", 2}, {"C", 128}}};
  const Shape large{.dims = {{"R", 1000000}, {"C", 64}}};
  const std::string call = Call(judged, "options");
  const std::string got =
      Run("  cuCtxSetCurrent(nullptr);\n" + call + "  cuCtxSetCurrent(SimulatedContext(0));\n" +
          Call(other, "options") + Call(unknown, "options") + "  options.stream = SimulatedStream(1);\n" + call +
          "  options.stream = nullptr;\n  options.workspace_bytes = 256;\n" + call +
          "  options.workspace_bytes = 1 << 30;\n  options.workspace = At(0x10000000000);\n" + call +
          "  options.allow_unjudged = true;\n" + Call(large, "options") +
          "  std::printf(\"%zu\\n\", steps::WorkspaceBytes({1001, 256}));\n");
  EXPECT_EQ(got,
            "status 4 no CUDA context is current in this thread: cuCtxSetCurrent makes one, and so does cudaSetDevice\n"
            "status 2 the shape R=2 C=64 was not judged; judged are R=4096 C=256, R=1 C=64, R=7 C=64, R=1001 C=256; "
            "options.allow_unjudged would run it unproven\n"
            "status 2 the shape R=2 C=128 was not judged; judged are R=4096 C=256, R=1 C=64, R=7 C=64, R=1001 C=256; "
            "there is no kernel for its constant dims\n"
            "status 4 options.stream belongs to another context than the one that is current in this thread\n"
            "load kernel0\n"
            "status 3 the workspace has 256 bytes; 33024 are needed\n"
            "status 1 workspace and x overlap\n"
            "load kernel1\n"
            "status 1 the kernel cannot run at R=1000000 C=64 on a simulated GPU (132 multiprocessors, 232448 bytes of "
            "shared memory a block): line 3 of the kernel: the condition of `where` does not hold\n"
            "8448\n");
}

TEST_F(CudaPackageTest, SaysWhatADeviceLacks) {
  const StoredRun run = StepsRun();
  Make(run);
  const std::string call = Call(run.spec.shapes[0], "options");
  const auto says = [&](const std::string& environment, const std::string& words) {
    const std::string got = Run(call, environment);
    EXPECT_NE(got.find("\nstatus " + words), std::string::npos) << environment << "\n" << got;
    return got;
  };
  EXPECT_EQ(Run(call, "SIMULATED_MAJOR=8"),
            "status 4 the kernels are compiled for compute capability 9.0 (sm_90a); a simulated GPU (132 "
            "multiprocessors, 232448 bytes of shared memory a block) has 8.0\n");
  EXPECT_EQ(Run(call, "SIMULATED_SMS=114"),
            "status 4 the kernels are compiled for 132 multiprocessors; this is a simulated GPU (114 multiprocessors, "
            "232448 bytes of shared memory a block)\n");
  says("SIMULATED_THREADS=128",
       "4 the kernel cannot run at R=4096 C=256 on a simulated GPU (132 multiprocessors, 232448 "
       "bytes of shared memory a block): line 9 of the kernel: the block of `sum_half` has 256 "
       "threads; its registers allow 128");
  EXPECT_EQ(Run(call, "SIMULATED_FAILURE=cuLibraryLoadData"),
            "status 5 the driver does not load the kernels: CUDA_ERROR_SIMULATED (a failure that is played)\n");
  const std::string no_map = says("SIMULATED_FAILURE=cuTensorMapEncodeTiled",
                                  "1 line 6 of the kernel: the driver does "
                                  "not take `tile`");
  EXPECT_EQ(no_map.find("zero"), std::string::npos) << no_map;
  const std::string half = says("SIMULATED_FAILURE=add_halves", "5 line 10 of the kernel: the driver does not take");
  EXPECT_EQ(half.find("scale_rows"), std::string::npos) << half;
}

// A kernel whose code names neither runs where the plan is possible, with the device's own numbers in it.
TEST_F(CudaPackageTest, PlansAreThoseOfTheDevice) {
  const StoredRun run = CudaRun(kSpec, kSource, {});
  Make(run);
  const std::string call = Call(run.spec.shapes[0], "options");
  EXPECT_NE(Run(call, "SIMULATED_SMS=3").find("launch last grid 96 1 1"), std::string::npos);
  const std::string small = Run(call, "SIMULATED_SMEM_BLOCK=101376");
  EXPECT_NE(small.find("status 4 the kernel cannot run at N=100 D=64"), std::string::npos) << small;
  EXPECT_NE(small.find("the smem of `first` has 102400 bytes; it must be 0 to 101376"), std::string::npos) << small;
}

TEST_F(CudaPackageTest, MemoryOfACallIsGivenBack) {
  const StoredRun run = StepsRun();
  Make(run);
  const std::string call = Call(run.spec.shapes[0], "{}"),
                    report = "  std::printf(\"%zu left\\n\", SimulatedAllocations());\n";
  const std::string got = Run(call + report);
  EXPECT_NE(got.find("\nallocate 33024\nmap 0"), std::string::npos) << got;
  EXPECT_NE(got.find("\nfree\nstatus 0 \n0 left\n"), std::string::npos) << got;
  EXPECT_NE(Run(call + report, "SIMULATED_FAILURE=count").find("\nfree\nstatus 5 line 13"), std::string::npos);
  const std::string none = Run(call + report, "SIMULATED_FAILURE=cuMemAllocAsync");
  EXPECT_NE(none.find("\nstatus 3 a workspace of 33024 bytes cannot be had: CUDA_ERROR"), std::string::npos) << none;
  EXPECT_NE(none.find("\n0 left\n"), std::string::npos) << none;
}

TEST_F(CudaPackageTest, OneLibraryServesEveryContextAndThread) {
  const StoredRun run = StepsRun();
  Make(run);
  const std::string call = Call(run.spec.shapes[0], "options");
  const std::string got =
      Run(call + "  cuCtxSetCurrent(SimulatedContext(1));\n  options.stream = SimulatedStream(1);\n" + call +
          "  std::thread([&] {\n  cuCtxSetCurrent(SimulatedContext(1));\n" + call + "  }).join();\n");
  size_t right = 0, loads = 0;
  for (size_t at = 0; (at = got.find("status 0", at)) != std::string::npos; ++at) ++right;
  for (size_t at = 0; (at = got.find("load kernel0", at)) != std::string::npos; ++at) ++loads;
  EXPECT_EQ(right, 3U) << got;
  EXPECT_EQ(loads, 1U) << got;
}

}  // namespace
}  // namespace kopt
