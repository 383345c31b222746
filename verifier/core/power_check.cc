#include "verifier/core/power_check.h"

#include <algorithm>

namespace kopt {
namespace {

class PowerCheck {
 public:
  explicit PowerCheck(std::span<PowerSource* const> sources) : sources_(sources) {}
  Result<Registration> Prove(const std::function<Result<void>()>& interrupted);

 private:
  Result<void> PowerOfShape(PowerSource& source, int shape);
  Result<void> AddRedraw(PowerSource& source, int shape, const std::string& name, const PowerSource::Set& first,
                         const PowerSource::Set& redrawn);
  static Result<PowerRow> Handed(PowerSource& source, int shape, const PowerSource::Set& set, size_t output,
                                 const WrongAnswer& wrong);

  std::span<PowerSource* const> sources_;
  Registration registration_;
};

Result<void> PowerCheck::PowerOfShape(PowerSource& source, int shape) {
  const BoundTask& task = source.task();
  KOPT_TRY(const PowerSource::Set first, source.Get(0));
  registration_.oracle_seconds.push_back(source.oracle_seconds());
  {
    KOPT_TRY(const PowerSource::Set second, source.Get(1));
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      const BoundTensor& bound = task.tensors[i];
      if (!bound.tensor->IsWritten()) continue;
      registration_.tolerance.push_back(ToleranceOf(bound, first.truth[i], shape));
      for (const WrongAnswer& wrong : WrongAnswers(task, i, first.truth[i], second.truth[i], first.storage)) {
        KOPT_TRY(PowerRow row, Handed(source, shape, first, i, wrong));
        registration_.power.push_back(std::move(row));
      }
    }
  }
  // Redrawing any one input must make the old answer wrong in at least one output.
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    const Tensor& tensor = *task.tensors[i].tensor;
    if (!tensor.IsRead() || !tensor.code.empty()) continue;
    KOPT_TRY(const auto redrawn, source.Redrawn(static_cast<int>(i), -1));
    if (redrawn) KOPT_CHECK(AddRedraw(source, shape, tensor.name, first, *redrawn));
  }
  for (size_t i = 0; i < task.spec->scalars.size(); ++i) {
    if (!task.spec->scalars[i].fill) continue;
    KOPT_TRY(const auto redrawn, source.Redrawn(-1, static_cast<int>(i)));
    if (redrawn) KOPT_CHECK(AddRedraw(source, shape, task.spec->scalars[i].name, first, *redrawn));
  }
  return {};
}

// A wrong answer judged like a candidate's: by comparison, or by the accept predicate with every other output right.
Result<PowerRow> PowerCheck::Handed(PowerSource& source, int shape, const PowerSource::Set& set, size_t output,
                                    const WrongAnswer& wrong) {
  const BoundTask& task = source.task();
  PowerRow row = HandIn(task.tensors[output], set.truth[output], wrong, shape);
  if (!task.tensors[output].tensor->accept) return row;
  std::vector<std::vector<std::byte>> answers(task.tensors.size());
  std::vector<std::span<const std::byte>> got(task.tensors.size());
  for (size_t t = 0; t < task.tensors.size(); ++t) {
    if (!task.tensors[t].tensor->IsWritten()) continue;
    answers[t] = t == output ? wrong.bytes : RoundTruth(task.tensors[t], set.truth[t]);
    got[t] = answers[t];
  }
  KOPT_TRY(row.detail, source.Refusal(set, output, got));
  row.refused = !row.detail.empty();
  return row;
}

Result<void> PowerCheck::AddRedraw(PowerSource& source, int shape, const std::string& name,
                                   const PowerSource::Set& first, const PowerSource::Set& redrawn) {
  const BoundTask& task = source.task();
  std::vector<PowerRow> rows;
  for (size_t i = 0; i < task.tensors.size(); ++i) {
    if (!task.tensors[i].tensor->IsWritten()) continue;
    KOPT_TRY(PowerRow row, Handed(source, shape, redrawn, i, AnswerBefore(task.tensors[i], first.truth[i], name)));
    rows.push_back(std::move(row));
  }
  const bool caught = std::ranges::any_of(rows, &PowerRow::refused);
  for (PowerRow& row : rows) {
    row.required = !caught;
    registration_.power.push_back(std::move(row));
  }
  return {};
}

Result<Registration> PowerCheck::Prove(const std::function<Result<void>()>& interrupted) {
  for (size_t i = 0; i < sources_.size(); ++i) {
    KOPT_CHECK(interrupted());
    KOPT_CHECK(PowerOfShape(*sources_[i], static_cast<int>(i)));
  }
  const auto text_of = [&](const PowerRow& row) {
    const BoundTask& task = sources_[static_cast<size_t>(row.shape)]->task();
    return ShapeText(*task.spec, *task.shape);
  };
  std::string table;
  for (const PowerRow& row : registration_.power) {
    table += fmt::format("shape {}: `{}` given {}: {}{}\n", text_of(row), row.output, row.attempt,
                         row.refused ? "refused" : "passes", row.required ? "" : " (not required)");
  }
  for (const PowerRow& row : registration_.power) {
    if (row.refused || !row.required) continue;
    const Spec& spec = *sources_[static_cast<size_t>(row.shape)]->task().spec;
    return std::unexpected(
        Error{.exit = Exit::kUsage,
              .message = fmt::format("the check has no power at shape {}: {} handed in for `{}` would pass ({})",
                                     text_of(row), row.attempt, row.output, row.detail),
              .file = spec.file,
              .line = spec.FindTensor(row.output)->position.line,
              .key = row.output,
              .hint = "choose inputs or shapes on which a wrong answer shows, tighten [precision], or say `identity = "
                      "true` where a copy is right",
              .log = table});
  }
  return std::move(registration_);
}

}  // namespace

Result<Registration> ProvePower(std::span<PowerSource* const> sources,
                                const std::function<Result<void>()>& interrupted) {
  return PowerCheck(sources).Prove(interrupted);
}

}  // namespace kopt
