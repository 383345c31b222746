// How fast oracles and comparisons are, in CPU time of one thread.
//   OMP_NUM_THREADS=1 build/release/bin/oracle_speed [KOPT'S SOURCE FOLDER]
// Prints multiply-adds of `real` per second in a matrix product, and elements per second compared with the truth.
#include <ctime>

#include "tests/verifier/oracle_harness.h"

namespace kopt {
namespace {

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Work>
double BestOf(int repeats, Work work) {
  double best = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const double begin = CpuSeconds();
    work();
    best = std::min(best, CpuSeconds() - begin);
  }
  return best;
}

Result<void> Measure(const std::string& root) {
  constexpr long long kSize = 512;
  KOPT_TRY(Spec spec, ReadSpec(root + "/examples/matmul.spec"));
  spec.shapes = {Shape{.dims = {{"M", kSize}, {"N", kSize}, {"K", kSize}}}};
  KOPT_TRY(const Oracle oracle, Oracle::Compile(spec));
  KOPT_TRY(BoundTask bound, Bind(spec, spec.shapes[0]));
  OracleData data(std::move(bound));
  KOPT_CHECK(oracle.Fill(data, 1));
  const double run = BestOf(3, [&] { oracle.Run(data); });
  fmt::print("{:.0f} M multiply-adds/s\n", static_cast<double>(kSize * kSize * kSize) / run / 1e6);

  constexpr long long kElements = 10'000'000;
  const Tensor tensor{.name = "o", .role = Tensor::Role::kOutput};
  const BoundTensor output{.tensor = &tensor,
                           .shape = {kElements},
                           .strides = {1},
                           .elements = kElements,
                           .span = kElements,
                           .bytes = kElements * sizeof(float)};
  const std::vector<float> got(kElements, 0.1f);
  const std::vector<double> value(kElements, 0.1), variance(kElements, 1e-14);
  bool pass = true;
  const double compare = BestOf(3, [&] {
    pass &= CompareOutput(output, {.value = value, .variance = variance}, std::as_bytes(std::span(got))).pass;
  });
  if (!pass) return InternalError("0.1 in f32 is not 0.1");
  fmt::print("{:.0f} M elements/s compared (f32, dense)\n", static_cast<double>(kElements) / compare / 1e6);
  return {};
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  const kopt::Result<void> measured = kopt::Measure(argc > 1 ? argv[1] : ".");
  if (measured) return 0;
  fmt::print(stderr, "{}\n{}\n", measured.error().Text(), measured.error().log);
  return 4;
}
