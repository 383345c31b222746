// Packages of kernels for GPUs, built and called with a driver that prints what it is asked for.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "task/source_parts.h"
#include "tests/agent/export_run.h"

namespace kopt {

inline constexpr uint64_t kTensors = 0x10000000000, kWorkspace = 0x70000000000;  // addresses that nobody looks behind
inline const CudaLimits kLimits;

inline std::filesystem::path Source(const std::string& file) { return std::filesystem::path(KOPT_SOURCE_DIR) / file; }

// A GPU that compiles nothing: the code of kernel N is "kernelN".
class CodeVerifier : public FakeVerifier {
 public:
  CodeVerifier(FakeClock& clock, Interrupts& interrupts) : FakeVerifier(clock, interrupts) {
    device_now = {.name = "a simulated device", .values = DeviceValues(kLimits)};
  }
  Result<DeviceCode> Compile(const Candidate&, const Configuration&, const std::vector<const Shape*>& shapes) override {
    DeviceCode code{
        .architecture = "sm_90a", .compiler = "NVRTC 13.0", .flags = {"--std=c++20"}, .prefix = "// types\n"};
    for (size_t i = 0; i < shapes.size(); ++i) code.binaries.push_back(fmt::format("kernel{} ", i));
    return code;
  }
};

// A run of a spec with a winner: the seed with its default tunables, but for these.
inline StoredRun CudaRun(const std::string& spec, const std::string& source, const Configuration& changed) {
  StoredRun run = RunOf(Target::kCuda, spec, source, {});
  Configuration& winner = run.confirmations[0].configuration = DefaultConfiguration(*run.contestants.seed);
  for (const auto& [name, value] : changed) winner[name] = value;
  return run;
}

inline StoredRun StepsRun() {
  const auto folder = Source("tests/cli/export");
  return CudaRun(Read(folder / "steps.spec"), Read(folder / "steps.cu"), {{"LANES", 256}});
}

// What the simulated driver says of an occupancy.
inline Result<long long> SimulatedOccupancy(const std::string&, long long threads, long long) { return 2048 / threads; }

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

inline std::string KernelSizes(const StoredRun& run) {
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

  FakeClock clock_;
  Interrupts interrupts_;
  CodeVerifier verifier_{clock_, interrupts_};
  std::unique_ptr<TemporaryFolder> folder_;
  const StoredRun* run_ = nullptr;
  Export made_;
  std::string program_;  // that was built last
};

}  // namespace kopt
