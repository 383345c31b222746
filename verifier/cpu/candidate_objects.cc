#include "verifier/cpu/candidate_objects.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "task/cpu_prefix.h"
#include "task/screen.h"

namespace kopt {
namespace {

Refusal CompileRefusal(const CompileResult& compiled) {
  Refusal refusal{.stage = Stage::kCompile, .reason = compiled.reason};
  refusal.evidence["log"] = compiled.log;
  switch (compiled.kind) {
    case CompileResult::Kind::kTimeout:
      refusal.outcome = Outcome::kTimeout;
      break;
    case CompileResult::Kind::kRejected:
      refusal.outcome = Outcome::kRejected;
      refusal.stage = Stage::kScreen;
      break;
    default:
      refusal.outcome = Outcome::kCompileError;
  }
  return refusal;
}

// One configuration bound to every shape. Shapes that differ only in dynamic dims share their source.
struct BoundConfiguration {
  std::map<const Shape*, BoundPlan> plans;
  std::map<const Shape*, size_t> source_of;
  std::vector<CpuSource> sources;
};

Judged<BoundConfiguration> BindAll(const CpuContext& context, const Candidate& candidate,
                                   const Configuration& configuration, const std::vector<const Shape*>& shapes) {
  BoundConfiguration bound;
  std::map<std::string, size_t> known;
  for (const Shape* shape : shapes) {
    auto plan = BindCpu(context.spec, candidate, configuration, *shape, context.device.values);
    if (!plan) return std::unexpected(Stop(PlanRefusal(plan.error(), Outcome::kLaunchError, Stage::kParse)));
    bound.plans[shape] = std::move(*plan);
    auto source = GenerateCpuSource(context.spec, candidate, configuration, *shape, context.device.values);
    if (!source) return std::unexpected(Stop(PlanRefusal(source.error(), Outcome::kRejected, Stage::kParse)));
    const auto [entry, added] = known.try_emplace(source->candidate + source->stubs, bound.sources.size());
    bound.source_of[shape] = entry->second;
    if (added) bound.sources.push_back(std::move(*source));
  }
  return bound;
}

// Compiles all, as many at a time as there are CPUs; begins none of the `needed` first ones after one of these failed.
std::vector<Result<CompileResult>> CompileAll(CpuContext& context, const std::vector<CompileRequest>& requests,
                                              size_t needed) {
  std::vector<Result<CompileResult>> results(requests.size(), CompileResult{});
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    for (size_t i = next++; i < requests.size() && !failed; i = next++) {
      results[i] = context.compiler.Compile(requests[i]);
      const bool good = results[i] && results[i]->kind == CompileResult::Kind::kObject;
      if (!good && i < needed) failed = true;
    }
  };
  std::vector<std::jthread> others;
  const size_t workers = std::min(requests.size(), static_cast<size_t>(context.threads));
  for (size_t i = 1; i < workers; ++i) others.emplace_back(work);
  work();
  others.clear();
  return results;
}

}  // namespace

CompileRequest RequestOf(const CpuContext& context, const Candidate& candidate, const CpuSource& source) {
  return {.units = {{"unit.cpp", source.candidate}, {"stubs.cpp", source.stubs}},
          .prefix = kCpuPrefix,
          .quoted = {"candidate.cpp", candidate.source},
          .flags = CandidateFlags(),
          .screen = true,
          .seconds = context.spec.limits.compile_seconds};
}

Judged<CandidateObjects> CompileCandidate(CpuContext& context, const Candidate& candidate,
                                          const Configuration& configuration, const std::vector<const Shape*>& shapes,
                                          std::span<const Contender> ahead) {
  if (auto screened = ScreenCpuSource(candidate); !screened) {
    return std::unexpected(Stop(PlanRefusal(screened.error(), Outcome::kRejected, Stage::kScreen)));
  }
  KOPT_TRY(const BoundConfiguration bound, BindAll(context, candidate, configuration, shapes));
  std::vector<CompileRequest> requests;
  for (const CpuSource& source : bound.sources) requests.push_back(RequestOf(context, candidate, source));
  const size_t needed = requests.size();
  const bool known = std::ranges::all_of(
      requests, [&](const CompileRequest& request) { return context.compiler.IsCompiled(request); });
  const auto threads = static_cast<size_t>(context.threads);
  const size_t room = known ? needed : (needed + threads - 1) / threads * threads;
  for (const Contender& later : ahead) {
    if (requests.size() >= room) break;
    if (!ScreenCpuSource(*later.candidate)) continue;
    const auto bound_later = BindAll(context, *later.candidate, later.configuration, shapes);
    if (!bound_later || requests.size() + bound_later->sources.size() > room) continue;
    for (const CpuSource& source : bound_later->sources) {
      requests.push_back(RequestOf(context, *later.candidate, source));
    }
  }

  const Lane::Hold hold = context.lane.Shared();
  const auto results = CompileAll(context, requests, needed);
  CandidateObjects objects;
  for (size_t i = 0; i < needed; ++i) {
    if (!results[i]) return std::unexpected(Stop(results[i].error()));
    if (results[i]->kind != CompileResult::Kind::kObject) {
      return std::unexpected(Stop(CompileRefusal(*results[i])));
    }
    if (!results[i]->log.empty()) objects.log = results[i]->log;
  }
  for (const auto& [shape, plan] : bound.plans) {
    objects.by_shape[shape] = {.plan = plan, .object = results[bound.source_of.at(shape)]->object.string()};
  }
  return objects;
}

}  // namespace kopt
