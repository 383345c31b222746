// The plan for one shape and configuration on the cuda target.
#include <set>
#include <utility>

#include "task/candidate.h"
#include "task/cuda_launch.h"
#include "task/cuda_tensormap.h"
#include "task/library_problem.h"
#include "task/plan_binder.h"

namespace kopt {
namespace {

class CudaBinder {
 public:
  CudaBinder(const Spec& spec, const Candidate& candidate, const Configuration& configuration, const Shape& shape,
             const Values& device, const CudaLimits& limits, const Occupancy& occupancy)
      : spec_(spec),
        candidate_(candidate),
        shape_(shape),
        limits_(limits),
        // Of the functions that the grammar does not know, CheckPlan lets only this one pass.
        binder_(spec, candidate, configuration, shape, device,
                [this](std::string_view, const std::vector<std::string>& arguments) {
                  return launches_.OccupancyOf(arguments.front());
                }),
        launches_(binder_, candidate, limits, occupancy) {}
  // The binder's functions hold `this`.
  CudaBinder(const CudaBinder&) = delete;
  CudaBinder& operator=(const CudaBinder&) = delete;

  Result<BoundCudaPlan> Bind() {
    KOPT_CHECK(binder_.CheckConditions());
    KOPT_TRY(plan_.scratch, binder_.BindScratch());
    KOPT_CHECK(binder_.ForEachStep([this](const PlanLine& line) { return BindStep(line); }));
    if (!used_maps_.empty()) KOPT_CHECK(BindTensorMaps());
    return std::move(plan_);
  }

 private:
  Result<void> BindStep(const PlanLine& line) {
    BoundCudaStep step{.kind = line.kind, .function = line.function, .line = line.line};
    if (line.kind == PlanLine::Kind::kLaunch) {
      KOPT_TRY(auto launch, launches_.Bind(line));
      if (!launch) return {};
      if (launch->pdl && !launched_)
        return binder_.Fail(line.line,
                            fmt::format("`{}` is the first launch that runs here and cannot have `pdl`: there is no "
                                        "kernel before it to overlap",
                                        line.function),
                            line.function);
      launched_ = true;
      step.launch = *launch;
    }
    if (line.kind == PlanLine::Kind::kLibrary) {
      KOPT_TRY(const BoundTask task, kopt::Bind(spec_, shape_));
      KOPT_CHECK(LibraryProblemOf(line.function, task));
    }
    KOPT_TRY(step.args, binder_.BindArgs(line));
    for (const BoundArg& arg : step.args)
      if (arg.kind == Arg::Kind::kTensorMap) used_maps_.insert(arg.name);
    plan_.steps.push_back(std::move(step));
    return {};
  }

  Result<void> BindTensorMaps() {
    KOPT_TRY(const BoundTask task, kopt::Bind(spec_, shape_));
    for (const TensorMap& map : candidate_.tensormaps) {
      if (!used_maps_.contains(map.name)) continue;
      KOPT_TRY(BoundTensorMap bound, BindTensorMap(binder_, map, StorageOf(map, task), limits_));
      plan_.tensormaps.push_back(std::move(bound));
    }
    return {};
  }

  MappedStorage StorageOf(const TensorMap& map, const BoundTask& task) const {
    for (const BoundScratch& scratch : plan_.scratch)
      if (scratch.name == map.tensor) return {.dtype = scratch.dtype, .bytes = scratch.bytes};
    const BoundTensor& bound = task.Find(map.tensor);
    return {.dtype = bound.tensor->dtype, .bytes = bound.bytes, .align = bound.tensor->align};
  }

  const Spec& spec_;
  const Candidate& candidate_;
  const Shape& shape_;
  const CudaLimits& limits_;
  PlanBinder binder_;
  LaunchBinder launches_;
  bool launched_ = false;
  std::set<std::string, std::less<>> used_maps_;
  BoundCudaPlan plan_;
};

}  // namespace

Values DeviceValues(const CudaLimits& limits) {
  return {{"SMS", limits.multiprocessors}, {"SMEM_BLOCK", limits.shared_memory}};
}

Result<BoundCudaPlan> BindCuda(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                               const Shape& shape, const Values& device, const CudaLimits& limits,
                               const Occupancy& occupancy) {
  if (candidate.target != Target::kCuda) return InternalError("a plan for the cpu cannot be bound for cuda");
  KOPT_CHECK(CheckBindsTunables(candidate, configuration));
  return CudaBinder(spec, candidate, configuration, shape, device, limits, occupancy).Bind();
}

}  // namespace kopt
