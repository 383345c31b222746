#include "verifier/cpu/power_check.h"

#include <algorithm>

#include "verifier/core/power.h"
#include "verifier/cpu/measure.h"

namespace kopt {
namespace {

class PowerCheck {
 public:
  PowerCheck(CpuContext& context, ShapePools& pools) : context_(context), pools_(pools) {}
  Result<Registration> Prove();

 private:
  Result<void> PowerOfShape(ShapePool& shape);
  Result<void> PowerOfRedraws(ShapePool& shape);
  Result<void> AddRedraw(const ShapePool& shape, const std::string& name, const SetPool::Entry& redrawn);
  Result<PowerRow> Handed(const ShapePool& shape, const SetPool::Entry& set, size_t output, const WrongAnswer& wrong);

  CpuContext& context_;
  ShapePools& pools_;
  Registration registration_;
};

Result<void> PowerCheck::PowerOfShape(ShapePool& shape) {
  const BoundTask& task = shape.task;
  KOPT_TRY(const SetPool::Entry* first, shape.pool->Get(0));
  registration_.oracle_seconds.push_back(context_.oracle->seconds());
  KOPT_TRY(const SetPool::Entry* second, shape.pool->Get(1));
  std::vector<std::span<const std::byte>> storage;
  for (const auto& bytes : first->inputs.storage) storage.emplace_back(bytes);
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const BoundTensor& bound = task.tensors[i];
    if (!bound.tensor->IsWritten()) continue;
    const Truth truth = first->answer.truth(i);
    registration_.tolerance.push_back(ToleranceOf(bound, truth, shape.number));
    for (const WrongAnswer& wrong : WrongAnswers(task, i, truth, second->answer.truth(i), storage)) {
      KOPT_TRY(PowerRow row, Handed(shape, *first, i, wrong));
      registration_.power.push_back(std::move(row));
    }
  }
  return PowerOfRedraws(shape);
}

// A wrong answer judged like a candidate's: by comparison, or by the accept predicate with every other output right.
Result<PowerRow> PowerCheck::Handed(const ShapePool& shape, const SetPool::Entry& set, size_t output,
                                    const WrongAnswer& wrong) {
  const BoundTask& task = shape.task;
  PowerRow row = HandIn(task.tensors[output], set.answer.truth(output), wrong, shape.number);
  if (!task.tensors[output].tensor->accept) return row;
  std::vector<std::vector<std::byte>> answers(task.tensors.size());
  std::vector<std::span<const std::byte>> got(task.tensors.size());
  for (size_t t = 0; t < task.tensors.size(); ++t) {
    if (!task.tensors[t].tensor->IsWritten()) continue;
    answers[t] = t == output ? wrong.bytes : RoundTruth(task.tensors[t], set.answer.truth(t));
    got[t] = answers[t];
  }
  KOPT_TRY(row.detail, context_.oracle->Refusal(task, set.inputs, set.answer, output, got));
  row.refused = !row.detail.empty();
  return row;
}

// Redrawing any one input must make the old answer wrong in at least one output.
Result<void> PowerCheck::PowerOfRedraws(ShapePool& shape) {
  for (size_t i = 0; i < shape.task.tensors.size(); ++i) {
    const Tensor& tensor = *shape.task.tensors[i].tensor;
    if (!tensor.IsRead() || !tensor.code.empty()) continue;
    KOPT_TRY(const auto redrawn, shape.pool->RedrawnTensor(i));
    if (redrawn) KOPT_CHECK(AddRedraw(shape, tensor.name, *redrawn));
  }
  for (size_t i = 0; i < context_.spec.scalars.size(); ++i) {
    if (!context_.spec.scalars[i].fill) continue;
    KOPT_TRY(const auto redrawn, shape.pool->RedrawnScalar(i));
    if (redrawn) KOPT_CHECK(AddRedraw(shape, context_.spec.scalars[i].name, *redrawn));
  }
  return {};
}

Result<void> PowerCheck::AddRedraw(const ShapePool& shape, const std::string& name, const SetPool::Entry& redrawn) {
  KOPT_TRY(const SetPool::Entry* first, shape.pool->Get(0));
  std::vector<PowerRow> rows;
  for (size_t i = 0; i < shape.task.tensors.size(); ++i) {
    if (!shape.task.tensors[i].tensor->IsWritten()) continue;
    const WrongAnswer before = AnswerBefore(shape.task.tensors[i], first->answer.truth(i), name);
    KOPT_TRY(PowerRow row, Handed(shape, redrawn, i, before));
    rows.push_back(std::move(row));
  }
  const bool caught = std::ranges::any_of(rows, &PowerRow::refused);
  for (PowerRow& row : rows) {
    row.required = !caught;
    registration_.power.push_back(std::move(row));
  }
  return {};
}

Result<Registration> PowerCheck::Prove() {
  for (ShapePool& shape : pools_) {
    if (!shape.scored) continue;
    KOPT_CHECK(CheckInterrupt(context_.options));
    KOPT_CHECK(PowerOfShape(shape));
  }
  std::string table;
  for (const PowerRow& row : registration_.power) {
    table += fmt::format("shape {}: `{}` given {}: {}{}\n",
                         ShapeText(context_.spec, *pools_[static_cast<size_t>(row.shape)].shape), row.output, row.attempt,
                         row.refused ? "refused" : "passes", row.required ? "" : " (not required)");
  }
  for (const PowerRow& row : registration_.power) {
    if (row.refused || !row.required) continue;
    return std::unexpected(
        Error{.exit = Exit::kUsage,
              .message = fmt::format("the check has no power at shape {}: {} handed in for `{}` would pass ({})",
                                     ShapeText(context_.spec, *pools_[static_cast<size_t>(row.shape)].shape), row.attempt,
                                     row.output, row.detail),
              .file = context_.spec.file,
              .line = context_.spec.FindTensor(row.output)->position.line,
              .key = row.output,
              .hint = "choose inputs or shapes on which a wrong answer shows, tighten [precision], or say `identity = "
                      "true` where a copy is right",
              .log = table});
  }
  return std::move(registration_);
}

}  // namespace

Result<Registration> ProvePower(CpuContext& context, ShapePools& pools) { return PowerCheck(context, pools).Prove(); }

}  // namespace kopt
