// Records what a machine does to the times of equal kernels: a candidate is measured against itself, again and again,
// each time in fresh processes. bench/acceptance.cc tries the acceptance rule on what comes out.
//
//   record_noise cpu|cuda SPEC CANDIDATE NAME FILE [TIMES, default 16]
//
// Confirmations on cpu, three processes each; screenings on cuda, which have as many quads. NAME says in a few words
// what was recorded where. Of each process at most 40 quads are kept.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/files.h"
#include "tests/verifier/recorded_noise.h"
#include "verifier/core/statistics.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/cuda/cuda_verifier.h"

namespace kopt {
namespace {

constexpr size_t kLeastQuads = 3, kMostQuads = 40;

struct Arguments {
  Target target;
  std::string spec, candidate, name, file;
  int times = 16;
};

Result<RecordedNoise> Record(const Arguments& arguments) {
  KOPT_TRY(const Spec spec, ReadSpec(arguments.spec));
  KOPT_TRY(const std::string source, ReadFile(arguments.candidate));
  KOPT_TRY(const Candidate candidate, ParseCandidate(spec, arguments.target, source, arguments.candidate));
  const Configuration configuration = DefaultConfiguration(candidate);
  auto made = arguments.target == Target::kCpu ? NewCpuVerifier(spec, {}) : NewCudaVerifier(spec, {});
  if (!made) return std::unexpected(std::move(made.error()));
  Verifier& verifier = **made;
  KOPT_TRY(const Verdict baseline, verifier.SetBaseline(candidate, configuration));
  if (!baseline.correct()) return UsageError(arguments.candidate + " is not right: " + baseline.reason);
  RecordedNoise noise{.name = arguments.name};
  std::vector<double> batches;
  double measuring = 0;
  for (int i = 0; i < arguments.times; ++i) {
    KOPT_TRY(const Verdict verdict, arguments.target == Target::kCpu ? verifier.Confirm(candidate, configuration, {})
                                                                     : verifier.Screen(candidate, configuration, {}));
    if (!verdict.correct()) return InternalError("it is not right any more: " + verdict.reason);
    for (const auto& [stage, seconds] : verdict.stage_seconds) measuring += stage == "measure" ? seconds : 0;
    for (const ShapeSamples& samples : verdict.samples) {
      if (samples.quads.size() < kLeastQuads) continue;
      const size_t kept = std::min(samples.quads.size(), kMostQuads);
      std::vector<Quad> in_time(samples.quads.begin(), samples.quads.begin() + static_cast<long>(kept));
      for (size_t q = 1; q < kept; q += 2) in_time[q] = WithSidesSwapped(in_time[q]);
      noise.processes.push_back(RelativeToMedian(in_time));
      for (const Quad& quad : samples.quads) {
        batches.insert(batches.end(), {quad.a1 * samples.calls_a, quad.b1 * samples.calls_b, quad.b2 * samples.calls_b,
                                       quad.a2 * samples.calls_a});
      }
    }
    fmt::print("{:3} of {}: {:.4f}, noise {:.2f} %\n", i + 1, arguments.times, verdict.speedup.value_or(0),
               100 * verdict.evidence.value("noise", 0.0));
    std::fflush(stdout);
  }
  double timed = 0;
  for (const double seconds : batches) timed += seconds;
  noise.batch_seconds = Median(batches);
  noise.pause_seconds = std::max(0.0, (measuring - timed) / static_cast<double>(batches.size()));
  return noise;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  const auto target = argc > 1 ? kopt::ParseTarget(argv[1]) : std::nullopt;
  const int times = argc > 6 ? std::atoi(argv[6]) : 16;
  if (!target || argc < 6 || times <= 0) {
    std::fputs("usage: record_noise cpu|cuda SPEC CANDIDATE NAME FILE [TIMES]\n", stderr);
    return 2;
  }
  const auto noise = kopt::Record(
      {.target = *target, .spec = argv[2], .candidate = argv[3], .name = argv[4], .file = argv[5], .times = times});
  const auto written = noise ? kopt::WriteFile(argv[5], kopt::RecordingText(*noise)) : std::unexpected(noise.error());
  if (written) return 0;
  std::fprintf(stderr, "record_noise: %s\n%s\n", written.error().Text().c_str(), written.error().log.c_str());
  return static_cast<int>(written.error().exit);
}
