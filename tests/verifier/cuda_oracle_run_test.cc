// The references as kernels, from the text that NVRTC compiles, as threads of the host, against those of the cpu.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/verifier/oracle_harness.h"
#include "tests/verifier/spec_builder.h"
#include "verifier/core/power.h"
#include "verifier/cuda/oracle_text.h"

namespace kopt {

extern const std::string_view kThreadGridText, kCudaLoopsText;  // embedded: thread_grid.h, oracle_loops.cuh

namespace {

// What g++ needs in place of device_std.cuh.
constexpr std::string_view kHostStd = R"(
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
namespace kopt_space {
using kopt_f16 = _Float16;
}
)";

// kopt_entry, which launches the kernels of a function.
std::string EntryText(const Spec& spec) {
  const OracleFunctions functions = FunctionsOf(spec);
  const int count = functions.Accept(static_cast<int>(functions.accept_tensors.size()));
  std::string text = "extern \"C\" void kopt_entry(int function, void* const* args) {\n";
  const auto launch = [&](int f, bool prepares) {
    text += fmt::format("  if (function == {}) Launch(3, 4, kopt_space::{}, args);\n", f, OracleKernel(f, prepares));
  };
  for (int f = 0; f < count; ++f) {
    if (f > 1 && f <= functions.references) launch(f, true);
    launch(f, false);
  }
  return text + "}\n";
}

Result<Oracle> CompileKernels(const Spec& spec) {
  const std::string foundation = std::string(kThreadGridText) + std::string(kHostStd) + std::string(kCudaLoopsText);
  KOPT_TRY(const std::string text, GenerateOracleKernels(spec, foundation));
  return Oracle::CompileText(spec, text + EntryText(spec), "-O1");
}

void ExpectNear(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    EXPECT_NEAR(a[i], b[i], tolerance * std::abs(b[i])) << i;
  }
}

// Both oracles of a spec, with their data at one shape.
struct Pair {
  Pair(const Spec& spec, const Shape& shape) : cpu_data(*Bind(spec, shape)), cuda_data(*Bind(spec, shape)) {
    auto compiled = Oracle::Compile(spec, "-O1");
    auto kernels = CompileKernels(spec);
    if (!compiled || !kernels) {
      ADD_FAILURE() << (compiled ? kernels.error().log : compiled.error().log);
      return;
    }
    cpu = std::make_unique<Oracle>(std::move(*compiled));
    cuda = std::make_unique<Oracle>(std::move(*kernels));
  }
  void RunAndCompare(const std::vector<long long>& tuples, double variance_tolerance = 1e-9) {
    ASSERT_TRUE(cpu->Fill(cpu_data, 3) && cuda->Fill(cuda_data, 3));
    cpu_data.tuples = cuda_data.tuples = tuples;
    cpu->Run(cpu_data);
    cuda->Run(cuda_data);
    EXPECT_EQ(cuda_data.control.error_kind, cpu_data.control.error_kind);
    for (size_t t = 0; t < cpu_data.tensors.size(); ++t) {
      SCOPED_TRACE(cpu_data.task.tensors[t].tensor->name);
      const OracleData::Buffers &a = cuda_data.tensors[t], &b = cpu_data.tensors[t];
      EXPECT_EQ(a.storage, b.storage);
      EXPECT_EQ(a.integer, b.integer);
      EXPECT_EQ(a.owner, b.owner);
      ExpectNear(a.value, b.value, 1e-9);
      ExpectNear(a.variance, b.variance, variance_tolerance);
    }
  }

  OracleData cpu_data, cuda_data;
  std::unique_ptr<Oracle> cpu, cuda;
};

TEST(CudaOracleRun, AnswersAreThoseOfTheCpu) {
  for (const char* name : {"tests/verifier/tasks/everything", "examples/attention", "examples/topk"}) {
    SCOPED_TRACE(name);
    const Result<Spec> spec = ReadSpec(fmt::format("{}/{}.spec", KOPT_SOURCE, name));
    ASSERT_TRUE(spec) << spec.error().Text();
    Pair pair(*spec, *spec->Checks(Target::kCpu).back());
    if (pair.cuda) pair.RunAndCompare({});
  }
}

Spec Sums() {
  return SpecOf({{"N", 100}},
                {Inout("y", DType::kF32, {"N"}), Output("o", DType::kF16, {"N"}), Output("sum", DType::kF32, {}),
                 Output("count", DType::kI32, {"2"}), Temp("square", {"N"})},
                {{.over = OverOf({{"i", "N"}}), .code = "square(i) = y(i) * y(i); if (i % 3) o(i) = i;"},
                 {.over = OverOf({{"i", "N"}}), .code = "sum() += square(i); count(i % 2) += 1; y(i) = 7;"},
                 {.over = {}, .code = "sum() = sqrt(sum());"}});
}

TEST(CudaOracleRun, AddsAtomicallyAndInOrderOfReferences) {
  const Spec spec = Sums();
  Pair pair(spec, spec.shapes[0]);
  ASSERT_TRUE(pair.cuda);
  pair.RunAndCompare({}, 0.9);  // a sum's variance depends on the order
  EXPECT_EQ(pair.cuda_data.tensors[3].integer, (std::vector<long long>{50, 50}));
}

TEST(CudaOracleRun, SampledTuplesLeaveTheRestUncomputed) {
  Spec spec = Sums();
  spec.references.resize(1);
  Pair pair(spec, spec.shapes[0]);
  ASSERT_TRUE(pair.cuda);
  pair.RunAndCompare({4, 17, 98});
  EXPECT_EQ(pair.cuda_data.tensors[1].variance[5], -1);
  EXPECT_EQ(pair.cuda_data.tensors[1].variance[17], 0);
}

TEST(CudaOracleRun, FaultsOfTheSpecAreRecorded) {
  Spec twice = SpecOf({{"N", 8}}, {Output("o", DType::kF32, {"N"})}, {});
  twice.references = {{.over = OverOf({{"i", "N"}, {"j", "2"}}), .code = "o(i == 6 ? 5 : 0) = j;"}};
  Spec outside = twice;
  outside.references[0].code = "if (i == 3) o(i + N) = j;";
  for (const auto& [spec, kind] : {std::pair(twice, 1), std::pair(outside, 2)}) {
    Pair pair(spec, spec.shapes[0]);
    ASSERT_TRUE(pair.cuda);
    pair.cuda->Run(pair.cuda_data);
    EXPECT_EQ(pair.cuda_data.control.error_kind, kind);
    EXPECT_EQ(pair.cuda_data.control.error_tensor, 0);
  }
}

TEST(CudaOracleRun, AcceptCountsTheTuplesThatItRejects) {
  Spec spec = SpecOf({{"N", 64}}, {Input("x", DType::kF32, {"N"}), Output("o", DType::kI32, {"N"})}, {});
  spec.references = {{.over = OverOf({{"i", "N"}}), .code = "o(i) = i;"}};
  spec.tensors[1].accept = Accept{.over = OverOf({{"i", "N"}}), .code = "return x(got_o(i)) == x(truth_o(i));"};
  Pair pair(spec, spec.shapes[0]);
  ASSERT_TRUE(pair.cuda);
  pair.RunAndCompare({});
  for (const auto& [wrong, rejected] : {std::pair(0, 0), std::pair(5, 1), std::pair(64, 1), std::pair(-1, 1)}) {
    for (const auto& [oracle, data] : {std::pair(pair.cpu.get(), &pair.cpu_data), {pair.cuda.get(), &pair.cuda_data}}) {
      data->tensors[1].got = RoundTruth(data->task.tensors[1], data->TruthOf(1));
      if (rejected > 0) StoreInt(DType::kI32, data->tensors[1].got.data(), 40, wrong);
      data->control = {};
      oracle->Call(2, *data);
      EXPECT_EQ(data->control.rejected, rejected);
      EXPECT_EQ(data->control.first_rejected, rejected > 0 ? 40 : -1);
      EXPECT_EQ(data->control.error_kind, 0);
    }
  }
}

}  // namespace
}  // namespace kopt
