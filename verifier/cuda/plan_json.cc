#include "verifier/cuda/plan_json.h"

#include <algorithm>
#include <variant>

#include "task/library_problem.h"

namespace kopt {
namespace {

using nlohmann::json;

// The number of a tensor among those that are in memory.
size_t RowOf(const Spec& spec, std::string_view name) {
  size_t row = 0;
  for (const Tensor& tensor : spec.tensors) {
    if (tensor.name == name) break;
    row += tensor.role == Tensor::Role::kTemp ? 0 : 1;
  }
  return row;
}

json ArgJson(const Spec& spec, const BoundCudaPlan& plan, const BoundArg& arg) {
  const auto number = [&](const auto& items) {
    const auto at = std::ranges::find_if(items, [&](const auto& item) { return item.name == arg.name; });
    return static_cast<size_t>(at - items.begin());
  };
  switch (arg.kind) {
    case Arg::Kind::kTensor:
      return {"tensor", RowOf(spec, arg.name)};
    case Arg::Kind::kScratch:
      return {"scratch", number(plan.scratch)};
    case Arg::Kind::kTensorMap:
      return {"map", number(plan.tensormaps)};
    case Arg::Kind::kScalar:
      return {"scalar", number(spec.scalars)};
    default:
      return {"value", static_cast<uint64_t>(arg.value)};
  }
}

// A tensor or scratch by its name.
json StorageJson(const Spec& spec, const BoundCudaPlan& plan, const std::string& name, size_t* bytes,
                 const BoundTask& task) {
  for (size_t i = 0; i < plan.scratch.size(); ++i) {
    if (plan.scratch[i].name != name) continue;
    if (bytes != nullptr) *bytes = plan.scratch[i].bytes;
    return {"scratch", i};
  }
  if (bytes != nullptr) *bytes = task.Find(name).bytes;
  return {"tensor", RowOf(spec, name)};
}

json OperandJson(const BoundTask& task, const MatmulProblem::Operand& operand) {
  return {{"tensor", RowOf(*task.spec, operand.tensor)},
          {"dtype", Name(task.Find(operand.tensor).tensor->dtype)},
          {"transposed", operand.transposed},
          {"lead", operand.lead},
          {"next", operand.next},
          {"align", operand.align}};
}

json OperandJson(const BoundTask& task, const AttentionProblem::Operand& operand) {
  return {{"tensor", RowOf(*task.spec, operand.tensor)},
          {"dtype", Name(task.Find(operand.tensor).tensor->dtype)},
          {"shape", operand.shape},
          {"strides", operand.strides}};
}

json ProblemJson(const BoundTask& task, const MatmulProblem& problem) {
  return {{"batch", problem.batch},
          {"m", problem.m},
          {"n", problem.n},
          {"k", problem.k},
          {"a", OperandJson(task, problem.a)},
          {"b", OperandJson(task, problem.b)},
          {"c", OperandJson(task, problem.c)},
          {"multiply", task.spec->precision.multiply}};
}

json ProblemJson(const BoundTask& task, const AttentionProblem& problem) {
  json scale;
  const auto& scalars = task.spec->scalars;
  if (problem.scale) scale = std::ranges::find(scalars, *problem.scale, &Scalar::name) - scalars.begin();
  return {{"q", OperandJson(task, problem.q)},
          {"k", OperandJson(task, problem.k)},
          {"v", OperandJson(task, problem.v)},
          {"o", OperandJson(task, problem.o)},
          {"scale", scale}};
}

// BindCuda has made sure that it is a task for the library.
json LibraryStep(const BoundTask& task, const std::string& library) {
  const LibraryProblem problem = LibraryProblemOf(library, task).value();
  return {{"library", library},
          {"problem", std::visit([&](const auto& of) { return ProblemJson(task, of); }, problem)}};
}

}  // namespace

json PlanJson(const BoundTask& task, const BoundCudaPlan& plan) {
  const Spec& spec = *task.spec;
  json request{{"steps", json::array()}, {"maps", json::array()}, {"scratch", json::array()}};
  for (const BoundScratch& scratch : plan.scratch) request["scratch"].push_back(scratch.bytes);
  for (const BoundTensorMap& map : plan.tensormaps) {
    request["maps"].push_back({{"base", StorageJson(spec, plan, map.tensor, nullptr, task)},
                               {"type", static_cast<int>(map.type)},
                               {"dims", map.dims},
                               {"strides", map.strides},
                               {"box", map.box},
                               {"step", map.step},
                               {"swizzle", map.swizzle},
                               {"l2", map.l2},
                               {"nan", map.nan_fill}});
  }
  for (const BoundCudaStep& step : plan.steps) {
    if (step.kind == PlanLine::Kind::kLibrary) {
      request["steps"].push_back(LibraryStep(task, step.function));
      continue;
    }
    if (step.kind == PlanLine::Kind::kZero) {
      size_t bytes = 0;
      json storage = StorageJson(spec, plan, step.function, &bytes, task);
      request["steps"].push_back({{"zero", std::move(storage)}, {"bytes", bytes}});
      continue;
    }
    json args = json::array();
    for (const BoundArg& arg : step.args) args.push_back(ArgJson(spec, plan, arg));
    request["steps"].push_back({{"launch", step.function},
                                {"grid", step.launch.grid},
                                {"block", step.launch.block},
                                {"cluster", step.launch.cluster},
                                {"shared", step.launch.smem},
                                {"cooperative", step.launch.cooperative},
                                {"dependent", step.launch.pdl},
                                {"args", args}});
  }
  return request;
}

}  // namespace kopt
