// Exported kernels for GPUs: the packages' texts, and that the steps which they put into a stream are those of the
// plan, with a driver that prints what it is asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "agent/export/parts.h"
#include "base/files.h"
#include "task/source_parts.h"
#include "tests/agent/fake_verifier.h"

namespace kopt {
namespace {

constexpr uint64_t kTensors = 0x10000000000, kWorkspace = 0x70000000000;  // addresses that nobody looks behind
const CudaLimits kLimits;

std::filesystem::path Source(const std::string& file) { return std::filesystem::path(KOPT_SOURCE_DIR) / file; }

std::string Read(const std::filesystem::path& path) {
  auto text = ReadFile(path);
  return text ? *text : "cannot read " + path.string();
}

// A GPU that compiles nothing: the code of kernel N is "kernelN".
class CodeVerifier : public FakeVerifier {
 public:
  CodeVerifier(FakeClock& clock, Interrupts& interrupts) : FakeVerifier(clock, interrupts) {
    device_now = {.name = "a simulated GPU", .values = DeviceValues(kLimits)};
  }
  Result<DeviceCode> Compile(const Candidate&, const Configuration&, const std::vector<const Shape*>& shapes) override {
    DeviceCode code{
        .architecture = "sm_90a", .compiler = "NVRTC 13.0", .flags = {"--std=c++20"}, .prefix = "// types\n"};
    for (size_t i = 0; i < shapes.size(); ++i) code.binaries.push_back(fmt::format("kernel{} ", i));
    return code;
  }
};

// A run of a spec with a winner.
StoredRun RunOf(const std::string& spec_text, const std::string& source, const Configuration& changed) {
  StoredRun run;
  auto spec = ParseSpec(spec_text, "task.spec");
  EXPECT_TRUE(spec) << spec.error().Text();
  run.spec = *std::move(spec);
  run.target = Target::kCuda;
  auto seed = ParseCandidate(run.spec, Target::kCuda, source, "/home/u/task.cu");
  EXPECT_TRUE(seed) << seed.error().Text();
  run.contestants.seed = *std::move(seed);
  run.turns.emplace(0, SeedTurn(*run.contestants.seed));
  run.row = {.run = "task-20261120-174402-3f2a", .target = "cuda", .device = "a simulated GPU"};
  run.row.started = "2026-11-20T17:44:02.123Z";
  Configuration winner = DefaultConfiguration(*run.contestants.seed);
  for (const auto& [name, value] : changed) winner[name] = value;
  Verdict verdict{.outcome = Outcome::kMeasured, .time_us = 500, .baseline_us = 1000};
  verdict.speedup = 2;
  verdict.speedup_interval = Interval{1.98, 2.02};
  run.confirmations.push_back({.configuration = winner, .verdict = verdict, .confirmed = true});
  return run;
}

StoredRun StepsRun() {
  const auto folder = Source("tests/cli/export");
  return RunOf(Read(folder / "steps.spec"), Read(folder / "steps.cu"), {{"LANES", 256}});
}

// What the simulated driver says of an occupancy.
Result<long long> SimulatedOccupancy(const std::string&, long long threads, long long) { return 2048 / threads; }

// The text of the simulated driver for a call of the plan that kopt itself binds.
class Wanted {
 public:
  Wanted(const StoredRun& run, const Shape& shape)
      : run_(run),
        candidate_(*run.contestants.seed),
        plan_(BindCuda(run.spec, candidate_, run.confirmations[0].configuration, shape, DeviceValues(kLimits), kLimits,
                       SimulatedOccupancy)),
        task_(Bind(run.spec, shape)) {}

  std::string Text() const {
    EXPECT_TRUE(plan_) << plan_.error().Text();
    EXPECT_TRUE(task_);
    std::string text;
    for (size_t i = 0; i < plan_->tensormaps.size(); ++i) text += MapText(plan_->tensormaps[i], i);
    for (const BoundCudaStep& step : plan_->steps)
      text += step.kind == PlanLine::Kind::kZero
                  ? fmt::format("zero {:x} {}\n", AddressOf(step.function), BytesOf(step.function))
                  : LaunchText(step);
    return text + "status 0 \n";
  }

 private:
  uint64_t AddressOf(const std::string& name) const {
    uint64_t at = kWorkspace;
    for (const BoundScratch& scratch : plan_->scratch) {
      if (scratch.name == name) return at;
      at += (scratch.bytes + 255) / 256 * 256;
    }
    at = kTensors;
    for (const Tensor& tensor : run_.spec.tensors) {
      if (tensor.name == name) break;
      at += tensor.role == Tensor::Role::kTemp ? 0 : kTensors;
    }
    return at;
  }
  size_t BytesOf(const std::string& name) const {
    for (const BoundScratch& scratch : plan_->scratch)
      if (scratch.name == name) return scratch.bytes;
    return task_->Find(name).bytes;
  }

  std::string MapText(const BoundTensorMap& map, size_t number) const {
    const auto list = [](const auto& values) {
      std::string text;
      for (const auto value : values) text += fmt::format(" {}", value);
      return text;
    };
    const int swizzle = map.swizzle == 0 ? 0 : map.swizzle / 32 - (map.swizzle == 128 ? 1 : 0);
    const int l2 = map.l2 == 0 ? 0 : map.l2 / 64 - (map.l2 == 256 ? 1 : 0);
    return fmt::format("map {} at {:x} type {} dims{} strides{} box{} step{} swizzle {} l2 {} fill {}\n", number,
                       AddressOf(map.tensor), static_cast<int>(map.type), list(map.dims), list(map.strides),
                       list(map.box), list(map.step), swizzle, l2, map.nan_fill ? 1 : 0);
  }

  std::string LaunchText(const BoundCudaStep& step) const {
    const BoundLaunch& launch = step.launch;
    const auto three = [](const auto& values) { return fmt::format("{} {} {}", values[0], values[1], values[2]); };
    std::string text = fmt::format("launch {} grid {} block {} cluster {} smem {} cooperative {:d} dependent {:d} args",
                                   step.function, three(launch.grid), three(launch.block), three(launch.cluster),
                                   launch.smem, launch.cooperative, launch.pdl);
    for (const BoundArg& arg : step.args) text += fmt::format(" {:x}", ArgumentOf(arg));
    return text + "\n";
  }
  uint64_t ArgumentOf(const BoundArg& arg) const {
    if (arg.kind == Arg::Kind::kInt) return static_cast<uint32_t>(arg.value);
    if (arg.kind == Arg::Kind::kInt64) return static_cast<uint64_t>(arg.value);
    if (arg.kind == Arg::Kind::kScalar) {
      const DType dtype = run_.spec.FindScalar(arg.name)->dtype;
      return dtype == DType::kBF16 ? 0x3f80 : dtype == DType::kF16 ? 0x3c00 : 0x3f800000;
    }
    if (arg.kind != Arg::Kind::kTensorMap) return AddressOf(arg.name);
    const auto& maps = plan_->tensormaps;
    return static_cast<uint64_t>(std::ranges::find(maps, arg.name, &BoundTensorMap::name) - maps.begin());
  }

  const StoredRun& run_;
  const Candidate& candidate_;
  Result<BoundCudaPlan> plan_;
  Result<BoundTask> task_;
};

std::string KernelSizes(const StoredRun& run) {
  const Candidate& candidate = *run.contestants.seed;
  std::string text;
  for (const PlanLine* line : CalledFunctions(candidate)) {
    text += line->function;
    for (const Arg& arg : line->args) {
      const size_t bytes = arg.kind == Arg::Kind::kInt      ? 4
                           : arg.kind == Arg::Kind::kScalar ? Size(run.spec.FindScalar(arg.name)->dtype)
                                                            : 8;
      text += fmt::format(" {}", bytes);
    }
    text += "\n";
  }
  return text;
}

// A package with a program that calls it, built with the simulated driver.
class CudaPackageTest : public ::testing::Test {
 protected:
  void Make(const StoredRun& run) {
    program_.clear();
    folder_ = std::make_unique<TemporaryFolder>(*TemporaryFolder::Create("kopt-export-cuda"));
    run_ = &run;
    verifier_.spec = &run.spec;
    auto made = MakeExport(run, "0.1.0", verifier_);
    ASSERT_TRUE(made) << made.error().Text();
    made_ = *std::move(made);
    ASSERT_TRUE(WriteExport(made_, folder_->path()));
    ASSERT_TRUE(WriteFile(folder_->path() / "sizes", KernelSizes(run)));
  }
  std::string File(const std::string& path) const {
    const auto found = std::ranges::find(made_.files, path, &ExportFile::path);
    return found == made_.files.end() ? "there is no " + path : found->content;
  }

  // A call of Run with every pointer where Wanted has it and scalars of 1.
  std::string Call(const Shape& shape, const std::string& options) const {
    std::string text = fmt::format("  Try({}::Run({{{}}}", made_.package, DimValues(run_->spec, shape));
    uint64_t at = 0;
    for (const Tensor& tensor : run_->spec.tensors)
      if (tensor.role != Tensor::Role::kTemp) text += fmt::format(", At({:#x})", at += kTensors);
    for (size_t i = 0; i < run_->spec.scalars.size(); ++i) text += ", 1";
    return text + ", " + options + "));\n";
  }
  // `body`: of a program in which a context is current and `options` has a workspace. What it prints.
  std::string Run(const std::string& body, const std::string& environment = "") {
    const std::string program = R"text(#include <cuda.h>
#include <cstdio>
#include <thread>
#include ")text" + made_.package +
                                R"text(.h"
extern "C" { CUcontext SimulatedContext(int); CUstream SimulatedStream(int); void SimulatedStart(); size_t SimulatedAllocations(); }
struct At {
  explicit At(unsigned long long to) : address(to) {}
  template <class T> operator T*() const { return reinterpret_cast<T*>(address); }
  unsigned long long address;
};
template <class Status> void Try(const Status& status) {
  std::printf("status %d %s\n", static_cast<int>(status.code), status.message.c_str());
  SimulatedStart();
}
int main() {
  cuCtxSetCurrent(SimulatedContext(0));
  )text" + made_.package + "::Options options;\n  options.workspace = At(" +
                                std::to_string(kWorkspace) + ");\n  options.workspace_bytes = size_t(1) << 30;\n" +
                                body + "}\n";
    if (program != program_) Build(program);
    const std::string command =
        fmt::format("cd {} && SIMULATED_KERNELS=sizes {} ./main > out", folder_->path().string(), environment);
    EXPECT_EQ(std::system(command.c_str()), 0);
    return Read(folder_->path() / "out");
  }
  void Build(const std::string& program) {
    program_ = program;
    EXPECT_TRUE(WriteFile(folder_->path() / "main.cpp", program));
    const std::string command = fmt::format(
        "cd {0} && {{ [ -e driver.o ] || g++ -std=c++20 -c -isystem " KOPT_CUDA_INCLUDE
        " {1} -o driver.o; }} && g++ -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Iinclude "
        "-isystem " KOPT_CUDA_INCLUDE " -DKERNEL_FOLDER='\"{0}/src\"' main.cpp src/run.cpp driver.o -o main",
        folder_->path().string(), Source("tests/cli/export/simulated_driver.cpp").string());
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

  // Calls at every judged shape and at `others`; each takes the steps that kopt binds.
  void ExpectSteps(const StoredRun& run, const std::vector<Shape>& others) {
    Make(run);
    std::vector<const Shape*> shapes = run.spec.Scored(Target::kCuda);
    for (const Shape* shape : run.spec.Checks(Target::kCuda)) shapes.push_back(shape);
    for (const Shape& shape : others) shapes.push_back(&shape);
    std::string body = "  options.allow_unjudged = true;\n", wanted;
    for (const Shape* shape : shapes) {
      body += Call(*shape, "options");
      wanted += Wanted(run, *shape).Text();
    }
    std::string got = Run(body);
    for (size_t at = 0; (at = got.find("load kernel")) != std::string::npos;)
      got.erase(at, got.find('\n', at) + 1 - at);
    EXPECT_EQ(got, wanted) << Read(folder_->path() / "src/run.cpp");
  }

  void ExpectGolden(const std::string& name, const std::string& text) {
    const std::filesystem::path path = Source("tests/agent/golden") / name;
    if (std::getenv("KOPT_UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(WriteFile(path, text));
    }
    EXPECT_EQ(text, Read(path));
  }

  FakeClock clock_;
  Interrupts interrupts_;
  CodeVerifier verifier_{clock_, interrupts_};
  std::unique_ptr<TemporaryFolder> folder_;
  const StoredRun* run_ = nullptr;
  Export made_;
  std::string program_;  // that was built last
};

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

TEST_F(CudaPackageTest, TakesTheStepsOfThePlan) { ExpectSteps(StepsRun(), {{.dims = {{"R", 2}, {"C", 64}}}}); }

TEST_F(CudaPackageTest, TakesTheStepsOfTheExamples) {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"vector_add.spec", "vector_add.cu"},     {"scan.spec", "scan.cu"},
      {"scan.spec", "scan_baseline.cu"},        {"softmax.spec", "softmax.cu"},
      {"matmul_wgmma.spec", "matmul_wgmma.cu"}, {"attention_f16.spec", "attention_wgmma.cu"}};
  for (const auto& [spec, source] : examples) {
    SCOPED_TRACE(source);
    ExpectSteps(RunOf(Read(Source("examples") / spec), Read(Source("examples") / source), {}), {});
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
  ExpectSteps(RunOf(kSpec, kSource, {{"BLOCK", 128}}),
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
  const StoredRun run = RunOf(kSpec, kSource, {});
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
