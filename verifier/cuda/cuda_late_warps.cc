#include "verifier/cuda/cuda_late_warps.h"

#include <algorithm>

#include "verifier/core/interrupt.h"

namespace kopt {
namespace {

constexpr int kRounds = 3;  // over the sets of check shapes
// A late call may take so many times what it takes otherwise, and at least this long.
constexpr double kSlower = 200, kLeastSeconds = 2;
constexpr int kRegisterUnit = 8;  // of a thread, as the device hands them out

Judged<size_t> CheckAll(CudaContext& context, CudaRun& run, const CudaShapes& shapes,
                        const std::function<double(const Shape&)>& call_seconds) {
  size_t calls = 0;
  for (const bool scored : {false, true}) {
    for (const CudaShape& shape : shapes) {
      if (shape.scored != scored) continue;
      const double seconds = std::max(kSlower * call_seconds(*shape.shape), kLeastSeconds);
      const Deadline deadline{.limit_seconds = std::min(seconds, context.spec.limits.seconds)};
      const size_t sets = scored ? 1 : shape.sets->check_count();
      for (size_t i = 0; i < (scored ? sets : kRounds * sets); ++i) {
        KOPT_CHECK(CheckInterrupt(context.options));
        KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(i % sets));
        KOPT_CHECK(run.Check(CudaRun::kCandidate, shape, *set, deadline));
        ++calls;
      }
      for (size_t i = 0; i < sets && !scored; ++i) {
        KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(i));
        KOPT_CHECK(run.Drop(*set));
      }
    }
  }
  return calls;
}

// Do kernels need more registers than the judged ones? Then fewer blocks may run at a time, and what waits for others
// of its grid without a cooperative launch may wait for ever.
bool NeedsMore(const CudaObjects& late, const CudaObjects& judged) {
  const auto registers = [](const CudaObjects& objects, const std::string& name) {
    int most = 0;
    for (const CudaObject& object : objects.objects) {
      for (const KernelUsage& kernel : object.kernels) {
        if (kernel.name == name) most = std::max(most, kernel.registers);
      }
    }
    return (most + kRegisterUnit - 1) / kRegisterUnit;
  };
  return std::ranges::any_of(judged.objects, [&](const CudaObject& object) {
    return std::ranges::any_of(object.kernels, [&](const KernelUsage& kernel) {
      return registers(late, kernel.name) > registers(judged, kernel.name);
    });
  });
}

}  // namespace

Judged<void> CheckWithLateWarps(CudaContext& context, const CudaShapes& shapes, const Candidate& candidate,
                                const Configuration& configuration, const CudaObjects& objects,
                                const std::function<double(const Shape&)>& call_seconds, Verdict& verdict) {
  nlohmann::ordered_json& evidence = verdict.evidence["late_warps"];
  const auto not_checked = [&](const Stop& stop) -> Judged<void> {
    evidence = "not checked: " + Words(stop);
    return {};
  };
  const Lane::Hold hold = context.lane.Shared();
  const auto late = CompileCandidate(context.spec, context.compiler, context.device.limits, candidate, configuration,
                                     ShapesOf(shapes), CudaCompileService::Warps::kLate);
  if (!late) return not_checked(late.error());
  KOPT_TRY(auto run, CudaRun::Start(context, shapes));
  if (const auto loaded = run->Load(CudaRun::kCandidate, candidate, configuration, *late); !loaded) {
    return not_checked(loaded.error());
  }
  auto calls = CheckAll(context, *run, shapes, call_seconds);
  if (calls) {
    evidence = fmt::format("right in {} calls", *calls);
    return {};
  }
  Stop& stop = calls.error();
  if (stop.ours) return std::unexpected(std::move(stop));
  const bool late_only = stop.refusal.outcome == Outcome::kTimeout || stop.refusal.outcome == Outcome::kLaunchError;
  if (late_only && NeedsMore(*late, objects)) return not_checked(stop);
  stop.refusal.reason = "with warps that are late at random: " + stop.refusal.reason;
  return std::unexpected(std::move(stop));
}

}  // namespace kopt
