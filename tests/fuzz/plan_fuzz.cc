// A candidate that says anything, on both targets: its plan parsed and bound at the corners of its space, its source
// screened, generated, and written back with values for its tunables.
#include <string>

#include "task/candidate.h"
#include "task/cuda_source.h"
#include "task/screen.h"
#include "tests/fuzz/fuzz.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

const Spec kSpec = AttentionSpec();
const Values kCpuValues = {{"THREADS", 8}};

void TryCpu(const Candidate& candidate, const Configuration& configuration, const Shape& shape) {
  if (const auto plan = BindCpu(kSpec, candidate, configuration, shape, kCpuValues)) {
    Require(plan->steps.size() <= 65536, "a plan has a limit");
  } else {
    RequireUsageError(plan.error());
  }
  const auto source = GenerateCpuSource(kSpec, candidate, configuration, shape, kCpuValues);
  if (!source) RequireUsageError(source.error());
}

void TryCuda(const Candidate& candidate, const Configuration& configuration, const Shape& shape) {
  const CudaLimits limits;
  const auto occupancy = [](const std::string&, long long threads, long long) -> Result<long long> {
    return 2048 / threads;
  };
  const auto plan = BindCuda(kSpec, candidate, configuration, shape, DeviceValues(limits), limits, occupancy);
  if (plan) {
    Require(plan->steps.size() <= 65536, "a plan has a limit");
    for (const BoundCudaStep& step : plan->steps) {
      long long threads = 1;
      for (const uint32_t extent : step.launch.block) threads *= extent;
      Require(threads >= 1 && threads <= limits.block_threads, "a block fits the device");
      Require(step.launch.smem <= limits.shared_memory, "a block's memory fits the device");
    }
  } else {
    RequireUsageError(plan.error());
  }
  const auto source = GenerateCudaSource(kSpec, candidate, configuration, shape, DeviceValues(limits));
  if (!source) RequireUsageError(source.error());
}

// A candidate with values in its text is the candidate at these values.
void TryValues(const Candidate& candidate, const Configuration& configuration) {
  const auto begun =
      ParseCandidate(kSpec, candidate.target, SourceWithDefaults(candidate, configuration), candidate.file);
  Require(begun.has_value(), "a candidate with other defaults is one");
  Require(DefaultConfiguration(*begun) == configuration, "it begins with these values");
  Require(SpaceSize(*begun) == SpaceSize(candidate), "it has the same space");
  const auto bound =
      ParseCandidate(kSpec, candidate.target, SourceWithBoundTunables(candidate, configuration), candidate.file);
  Require(bound.has_value(), "a candidate with one value for each tunable is one");
  Require(DefaultConfiguration(*bound) == configuration && SpaceSize(*bound) == 1, "it has these values alone");
}

void Try(Target target, const std::string& source) {
  const auto candidate = ParseCandidate(kSpec, target, source, "candidate");
  if (!candidate) return RequireUsageError(candidate.error());
  (void)NormalisedCode(source);
  (void)ScreenCpuSource(*candidate);
  const Values device = target == Target::kCpu ? kCpuValues : DeviceValues(CudaLimits());
  const long long last = SpaceSize(*candidate) - 1;
  Require(last >= 0, "a space has a point");
  for (const long long point : {0LL, last}) {
    const Configuration configuration = SpacePoint(*candidate, point);
    Require(CheckBindsTunables(*candidate, configuration).has_value(), "a point binds every tunable");
    (void)Text(configuration);
    (void)Admissible(kSpec, *candidate, configuration, {&kSpec.shapes[0], &kSpec.shapes[1]}, device);
    const Shape& shape = kSpec.shapes[point == 0 ? 0 : 1];
    target == Target::kCpu ? TryCpu(*candidate, configuration, shape) : TryCuda(*candidate, configuration, shape);
    TryValues(*candidate, configuration);
  }
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source(kopt::TextOf(data, size));
  kopt::Try(kopt::Target::kCpu, source);
  kopt::Try(kopt::Target::kCuda, source);
  return 0;
}
