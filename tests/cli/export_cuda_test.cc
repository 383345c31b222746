// `kopt export` for a GPU: what it writes is built as a stranger would, with cmake and a compiler alone. The device is
// simulated; the compiler of device code is the real one.
#include <gtest/gtest.h>

#include "tests/cli/kopt_fixture.h"
#include "verifier/cuda/cuda_verifier.h"
#include "verifier/cuda/toolkit.h"

namespace kopt {
namespace {

class CompilingVerifier : public FakeVerifier {
 public:
  CompilingVerifier(FakeClock& clock, Interrupts& interrupts) : FakeVerifier(clock, interrupts) {
    device_now = {.name = "a simulated GPU", .values = DeviceValues(limits_)};
    behave = [](const Configuration&) { return Behaviour{.speedup = 2}; };
  }
  Result<DeviceCode> Compile(const Candidate& candidate, const Configuration& configuration,
                             const std::vector<const Shape*>& shapes) override {
    return CompileDeviceCode(*spec, candidate, configuration, shapes, "sm_90a", limits_, {});
  }

 private:
  CudaLimits limits_;
};

class ExportCudaTest : public KoptTest {
 protected:
  void SetUp() override {
    KoptTest::SetUp();
    if (const auto toolkit = FindCudaToolkit(); !toolkit) GTEST_SKIP() << toolkit.error().Text();
    more_backends_[Target::kCuda] = {
        .new_verifier = [&](const Spec& spec, VerifierOptions) -> Result<std::unique_ptr<Verifier>> {
          gpu_.spec = &spec;
          return std::make_unique<BorrowedVerifier>(gpu_);
        },
        .device = [&](int) { return Result<Device>(gpu_.device()); },
        .calibrate = [&](const VerifierOptions&) -> Result<Peaks> { return Peaks{}; }};
  }

  // Exports the seed of a spec, in `folder` of the sources, to the folder `name`.
  void Export(const std::string& folder, const std::string& name) {
    const std::string spec = (SourceFolder() / folder / (name + ".spec")).string();
    ASSERT_EQ(Kopt({"optimize", spec, "--target", "cuda", "--budget", "10s", "--target-speedup", "1.5"}), 0) << err_;
    ASSERT_EQ(Kopt({"export", "last", "--out", name}), 0) << err_;
  }

  // The exit code of a command; what it prints is in log_.
  int Shell(const std::string& command) {
    const int status = std::system(("{ " + command + "; } > log 2>&1").c_str());
    log_ = Read("log");
    return WEXITSTATUS(status);
  }
  void Build(const std::string& folder, const std::string& options) {
    ASSERT_EQ(Shell("cmake -S " + folder + " -B " + folder + "/build " + options +
                    " -DCUDAToolkit_ROOT=" KOPT_CUDA_INCLUDE "/.. && cmake --build " + folder + "/build -j 2"),
              0)
        << log_;
    EXPECT_EQ(log_.find("warning"), std::string::npos) << log_;
  }
  // A driver library whose calls do nothing, in the folder `driver`.
  void SimulateDriver() {
    ASSERT_EQ(Shell("mkdir driver && g++ -std=c++20 -shared -fPIC -isystem " KOPT_CUDA_INCLUDE " " +
                    (SourceFolder() / "tests/cli/export/simulated_driver.cpp").string() +
                    " -Wl,-soname,libcuda.so.1 -o driver/libcuda.so.1"),
              0)
        << log_;
  }
  bool Logged(const std::string& words) const { return log_.find(words) != std::string::npos; }

  static constexpr const char* kWarnings = "'-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wshadow -Wconversion'";

  CompilingVerifier gpu_{clock_, interrupts_};
  std::string log_;
};

TEST_F(ExportCudaTest, AStrangerBuildsAndInstallsIt) {
  ASSERT_NO_FATAL_FAILURE(Export("tests/cli/export", "steps"));
  for (const char* file : {"src/kernel_0.cubin", "src/kernel_1.cubin"})
    EXPECT_TRUE(Read(std::filesystem::path("steps") / file).starts_with("\177ELF")) << file;
  EXPECT_NE(Read("steps/src/prefix.cuh").find("CUtensorMap"), std::string::npos);
  ASSERT_NO_FATAL_FAILURE(Build("steps", kWarnings));
  // Where there is no driver, or no device, its test is skipped.
  ASSERT_EQ(Shell("CUDA_VISIBLE_DEVICES= ctest --test-dir steps/build"), 0) << log_;
  EXPECT_TRUE(Logged("Skipped")) << log_;
  SimulateDriver();
  ASSERT_EQ(Shell("LD_LIBRARY_PATH=driver SIMULATED_FAILURE=cuInit steps/build/steps_test steps/tests/data"), 77)
      << log_;
  EXPECT_TRUE(Logged("skipped: there is no CUDA device")) << log_;
  // A device that does nothing computes nothing; wrong use is refused all the same.
  Write("sizes", "sum_half 8 8 8 4\nadd_halves 8 8 8 4\nscale_rows 128 8 8 2 2 4\ncount 8 8 8 4\n");
  const std::string simulated = "LD_LIBRARY_PATH=driver SIMULATED_KERNELS=sizes ";
  EXPECT_EQ(Shell(simulated + "steps/build/steps_test steps/tests/data"), 1) << log_;
  for (const char* words : {"ok     R=7 C=64: it runs.", "FAILED R=7 C=64: positive, 7 of 7 elements are wrong",
                            "ok     without a current context it is refused",
                            "ok     a shape that was not judged is refused", "ok     an extent of 0 is refused",
                            "ok     a null pointer is refused", "ok     a misaligned pointer is refused"})
    EXPECT_TRUE(Logged(words)) << words << "\n" << log_;
  EXPECT_EQ(Shell(simulated + "steps/build/steps_example"), 0) << log_;
  EXPECT_TRUE(Logged("us a call")) << log_;
  ASSERT_EQ(Shell("cmake --install steps/build --prefix prefix"), 0) << log_;
  ASSERT_EQ(Shell("! nm -C --defined-only --extern-only prefix/lib*/libsteps.a | grep -E ' [TDRB] ' | "
                  "grep -vE ' T steps::(Run|WorkspaceBytes)\\('"),
            0)
      << log_;
}

TEST_F(ExportCudaTest, AProgramUsesThreeOfThem) {
  ASSERT_NO_FATAL_FAILURE(Export("examples", "vector_add"));
  ASSERT_NO_FATAL_FAILURE(Export("examples", "matmul_wgmma"));
  ASSERT_NO_FATAL_FAILURE(Export("tests/cli/export", "steps"));
  std::filesystem::create_directory("program");
  Write("program/CMakeLists.txt", R"text(cmake_minimum_required(VERSION 3.21)
project(program LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(vector_add REQUIRED)
find_package(Threads REQUIRED)
add_subdirectory(../matmul_wgmma matmul)
add_subdirectory(../steps steps)
add_executable(program main.cpp)
target_link_libraries(program PRIVATE vector_add::vector_add matmul_f16_rows16::matmul_f16_rows16)
# Needs a device to run.
add_executable(program_cuda program_cuda.cpp)
target_link_libraries(program_cuda PRIVATE steps::steps matmul_f16_rows16::matmul_f16_rows16 CUDA::cuda_driver
                                           Threads::Threads)
)text");
  std::filesystem::copy(SourceFolder() / "tests/cli/export/program_cuda.cpp", "program");
  Write("program/main.cpp", R"text(#include <matmul_f16_rows16.h>
#include <vector_add.h>
#include <cstdio>
int main() {
  const auto add = vector_add::Run({3}, nullptr, nullptr, nullptr);
  const auto multiply = matmul_f16_rows16::Run({1, 2, 3}, nullptr, nullptr, nullptr);
  std::printf("%s\n%s\n", add.message.c_str(), multiply.message.c_str());
}
)text");
  ASSERT_NO_FATAL_FAILURE(Build("vector_add", std::string(kWarnings) + " -DBUILD_SHARED_LIBS=ON"));
  ASSERT_EQ(Shell("cmake --install vector_add/build --prefix prefix"), 0) << log_;
  ASSERT_NO_FATAL_FAILURE(
      Build("program", "-DCMAKE_PREFIX_PATH=$PWD/prefix '-DCMAKE_CXX_FLAGS=-Wall -Wextra -ffast-math -flto'"));
  SimulateDriver();
  ASSERT_EQ(Shell("LD_LIBRARY_PATH=driver program/build/program"), 0) << log_;
  EXPECT_TRUE(Logged("no CUDA context is current")) << log_;
  EXPECT_TRUE(Logged("the shape M=1 N=2 K=3 was not judged; judged are M=4096 N=4096 K=4096, M=1 N=8 K=8")) << log_;
}

TEST_F(ExportCudaTest, TheSourceIsThatOfTheCompiler) {
  ASSERT_NO_FATAL_FAILURE(Export("examples", "scan"));
  if (Shell("command -v " KOPT_CUDA_INCLUDE "/../bin/nvcc") != 0) GTEST_SKIP() << "there is no nvcc";
  EXPECT_EQ(Shell(KOPT_CUDA_INCLUDE "/../bin/nvcc -cubin -std=c++20 -arch=sm_90a -o again.cubin scan/src/kernel_0.cu"),
            0)
      << log_;
}

}  // namespace
}  // namespace kopt
