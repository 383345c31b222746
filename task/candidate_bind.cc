// The plan for one shape and configuration on the cpu target.
#include <map>
#include <utility>

#include "task/candidate.h"
#include "task/plan_binder.h"

namespace kopt {

Result<BoundPlan> BindCpu(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                          const Shape& shape, const Values& device) {
  if (candidate.target != Target::kCpu) return InternalError("a plan for cuda cannot be bound for the cpu");
  KOPT_CHECK(CheckBindsTunables(candidate, configuration));
  std::map<const PlanLine*, int> stubs;
  for (const PlanLine& line : candidate.plan)
    if (line.kind == PlanLine::Kind::kCall) stubs.emplace(&line, static_cast<int>(stubs.size()));
  PlanBinder binder(spec, candidate, configuration, shape, device);
  KOPT_CHECK(binder.CheckConditions());
  BoundPlan plan;
  KOPT_TRY(plan.scratch, binder.BindScratch());
  KOPT_CHECK(binder.ForEachStep([&](const PlanLine& line) -> Result<void> {
    const bool call = line.kind == PlanLine::Kind::kCall;
    BoundStep step{
        .kind = line.kind, .function = line.function, .stub = call ? stubs.at(&line) : -1, .line = line.line};
    KOPT_TRY(step.args, binder.BindArgs(line));
    plan.steps.push_back(std::move(step));
    return {};
  }));
  return plan;
}

}  // namespace kopt
