#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/baseline.h"
#include "agent/format.h"
#include "agent/retry.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "task/spec.h"
#include "verifier/core/compare.h"
#include "verifier/core/roofline.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

// Everything that `kopt check` found out.
struct Checked {
  const Spec& spec;
  Target target;
  Device device;
  Calibration calibration;
  Contestants contestants;
  Registration registration;
  std::vector<BoundTask> shapes;  // scored
};

std::string_view RoleName(Tensor::Role role) {
  switch (role) {
    case Tensor::Role::kInput:
      return "input";
    case Tensor::Role::kInout:
      return "inout";
    case Tensor::Role::kOutput:
      return "output";
    case Tensor::Role::kTemp:
      return "temp";
  }
  return "";
}

std::string_view TypeName(const Tensor& tensor) {
  return tensor.role == Tensor::Role::kTemp ? "real" : Name(tensor.dtype);
}

const char* BoundBy(const Roofline& light) {
  return light.flop_seconds >= light.byte_seconds ? "arithmetic" : "memory";
}

std::string SizesText(const std::vector<long long>& sizes) { return fmt::format("[{}]", fmt::join(sizes, ", ")); }

std::string CandidateText(const Candidate& candidate) {
  if (candidate.tunables.empty()) return fmt::format("{}, no tunables", candidate.file);
  const long long size = SpaceSize(candidate);
  return fmt::format("{}, {} tunable{}, {} configurations before `where`", candidate.file, candidate.tunables.size(),
                     candidate.tunables.size() == 1 ? "" : "s", size);
}

std::string DimsText(const Spec& spec) {
  std::string fixed, dynamic;
  for (const std::string& dim : spec.dims) {
    std::string& text = spec.IsDynamic(dim) ? dynamic : fixed;
    text += (text.empty() ? "" : ", ") + dim;
  }
  std::string text = fixed.empty() ? "" : fixed + " fixed when a candidate is compiled";
  if (!dynamic.empty()) text += (text.empty() ? "" : "; ") + dynamic + " known at run time";
  return text.empty() ? "none" : text;
}

std::string Header(const Checked& checked) {
  const Spec& spec = checked.spec;
  const Precision& precision = spec.precision;
  Rows rows = {{"dims", DimsText(spec)},
               {"target", fmt::format("{}, {}", Name(checked.target), checked.device.name)},
               {"precision", fmt::format("multiply {}, accumulate {}{}", precision.multiply, precision.accumulate,
                                         precision.declared ? "" : " (the default)")},
               {"shapes", fmt::format("{} scored, {} for correctness only", checked.shapes.size(),
                                      spec.Checks(checked.target).size())},
               {"seed", checked.contestants.seed ? CandidateText(*checked.contestants.seed) : "none"},
               {"baseline", checked.contestants.BaselineText()},
               {"peaks", Text(checked.calibration.peaks)}};
  std::string text = fmt::format("{} ({})\n", spec.name, spec.file);
  if (!spec.summary.empty()) text += spec.summary + "\n";
  return text + "\n" + Table(rows);
}

std::string Tensors(const BoundTask& task) {
  Rows rows = {{"tensor", "role", "dtype", "shape", "bytes"}};
  for (const BoundTensor& bound : task.tensors) {
    rows.push_back({bound.tensor->name, std::string(RoleName(bound.tensor->role)), std::string(TypeName(*bound.tensor)),
                    SizesText(bound.shape), FormatBytes(static_cast<double>(bound.bytes))});
  }
  return Table(rows, 4);
}

std::string WorkText(const Checked& checked, const BoundTask& task, size_t shape) {
  const Roofline light = RooflineOf(task, checked.calibration.peaks, LastCacheBytes());
  Rows rows = {
      {"flops",
       task.flops > 0 ? fmt::format("{} ({})", FormatCount(task.flops), checked.spec.work.unit) : "not declared"},
      {"bytes", fmt::format("{} read, {} written", FormatBytes(task.read_bytes), FormatBytes(task.write_bytes))},
      {"speed of light", light.seconds > 0
                             ? fmt::format("{}, bound by {}", FormatMicroseconds(1e6 * light.seconds), BoundBy(light))
                             : "not known: run `kopt doctor --calibrate`"}};
  if (shape < checked.registration.oracle_seconds.size()) {
    rows.push_back({"oracle", FormatDuration(checked.registration.oracle_seconds[shape]) + " for one input set"});
  }
  return Table(rows, 4);
}

std::string ToleranceText(const Checked& checked, size_t shape) {
  Rows rows = {{"tolerance", "rms of the truth", "deviation", "largest error", "rms error"}};
  for (const ToleranceRow& row : checked.registration.tolerance) {
    if (row.shape != static_cast<int>(shape)) continue;
    const bool exact = row.median_deviation == 0;
    rows.push_back({row.output, fmt::format("{:.3g}", row.rms_value), fmt::format("{:.2g}", row.median_deviation),
                    exact ? "0: exact" : fmt::format("{:.2g}", row.median_largest),
                    exact ? "0: exact" : fmt::format("{:.2g}", kRmsDeviations * row.median_deviation)});
  }
  return rows.size() == 1 ? "" : "\n" + Table(rows, 4);
}

std::string PowerText(const Checked& checked, size_t shape) {
  Rows rows = {{"power", "handed in", "result", ""}};
  for (const PowerRow& row : checked.registration.power) {
    if (row.shape != static_cast<int>(shape)) continue;
    const char* result = row.refused ? "refused" : row.required ? "LET THROUGH" : "let through, allowed";
    rows.push_back({row.output, row.attempt, result, row.detail});
  }
  return rows.size() == 1 ? "" : "\n" + Table(rows, 4);
}

// A batch runs distinct input sets, none twice: so many, or as many as fit into so many bytes, or for so long.
constexpr double kBatchSets = 64;
constexpr double kBatchBytes = 1 << 30;
constexpr double kBatchSeconds = 0.02;
constexpr double kUsualDistance = 10;  // from speed of light, of code that was not tuned

// Why small differences may be hard to tell at this shape; empty if nothing speaks for it.
std::string BatchNote(const Checked& checked, const BoundTask& task) {
  double bytes = 0;
  for (const BoundTensor& bound : task.tensors) {
    if (bound.tensor->role != Tensor::Role::kTemp) bytes += static_cast<double>(bound.bytes);
  }
  const double sets = std::max(1.0, std::min(kBatchSets, std::floor(kBatchBytes / std::max(bytes, 1.0))));
  const double light = RooflineOf(task, checked.calibration.peaks, LastCacheBytes()).seconds;
  if (light <= 0 || sets * light * kUsualDistance >= kBatchSeconds) return "";
  return fmt::format(
      "a timed batch of {:.0f} calls may be shorter than 20 ms: small differences will be hard to tell; a larger shape "
      "helps",
      sets);
}

std::string ShapeText(const Checked& checked, size_t shape) {
  const BoundTask& task = checked.shapes[shape];
  const std::string note = BatchNote(checked, task);
  return fmt::format("\nshape {}: {}\n", shape + 1, DimsText(checked.spec, *task.shape)) + Tensors(task) + "\n" +
         WorkText(checked, task, shape) + ToleranceText(checked, shape) + PowerText(checked, shape) +
         (note.empty() ? "" : fmt::format("\n    note: {}\n", note));
}

ordered_json ToleranceJson(const Checked& checked, size_t shape) {
  ordered_json rows = ordered_json::array();
  for (const ToleranceRow& row : checked.registration.tolerance) {
    if (row.shape != static_cast<int>(shape)) continue;
    rows.push_back({{"output", row.output},
                    {"rms_value", row.rms_value},
                    {"median_deviation", row.median_deviation},
                    {"largest_error", row.median_largest},
                    {"rms_error", kRmsDeviations * row.median_deviation}});
  }
  return rows;
}

ordered_json PowerJson(const Checked& checked, size_t shape) {
  ordered_json rows = ordered_json::array();
  for (const PowerRow& row : checked.registration.power) {
    if (row.shape != static_cast<int>(shape)) continue;
    rows.push_back({{"output", row.output},
                    {"attempt", row.attempt},
                    {"refused", row.refused},
                    {"required", row.required},
                    {"detail", row.detail}});
  }
  return rows;
}

ordered_json ShapeJson(const Checked& checked, size_t shape) {
  const BoundTask& task = checked.shapes[shape];
  const Roofline light = RooflineOf(task, checked.calibration.peaks, LastCacheBytes());
  const std::string note = BatchNote(checked, task);
  ordered_json dims = ordered_json::object(), tensors = ordered_json::array();
  for (const std::string& dim : checked.spec.dims) {
    if (const auto found = task.shape->dims.find(dim); found != task.shape->dims.end()) dims[dim] = found->second;
  }
  for (const BoundTensor& bound : task.tensors) {
    tensors.push_back({{"name", bound.tensor->name},
                       {"role", RoleName(bound.tensor->role)},
                       {"dtype", TypeName(*bound.tensor)},
                       {"shape", bound.shape},
                       {"bytes", bound.bytes}});
  }
  const auto& oracle = checked.registration.oracle_seconds;
  return {{"dims", dims},
          {"tensors", tensors},
          {"flops", task.flops > 0 ? ordered_json(task.flops) : ordered_json()},
          {"read_bytes", task.read_bytes},
          {"write_bytes", task.write_bytes},
          {"sol_us", light.seconds > 0 ? ordered_json(1e6 * light.seconds) : ordered_json()},
          {"sol_bound", light.seconds > 0 ? ordered_json(BoundBy(light)) : ordered_json()},
          {"oracle_seconds", shape < oracle.size() ? ordered_json(oracle[shape]) : ordered_json()},
          {"note", note.empty() ? ordered_json() : ordered_json(note)},
          {"tolerance", ToleranceJson(checked, shape)},
          {"power", PowerJson(checked, shape)}};
}

ordered_json CandidateJson(const Candidate* candidate) {
  if (candidate == nullptr) return nullptr;
  return {{"file", candidate->file}, {"configurations", SpaceSize(*candidate)}};
}

ordered_json CheckDocument(const Checked& checked) {
  const Spec& spec = checked.spec;
  ordered_json shapes = ordered_json::array();
  for (size_t i = 0; i < checked.shapes.size(); ++i) shapes.push_back(ShapeJson(checked, i));
  return {{"kopt", 1},
          {"task", spec.name},
          {"summary", spec.summary},
          {"target", Name(checked.target)},
          {"device", checked.device.name},
          {"dims", spec.dims},
          {"dynamic", spec.dynamic},
          {"precision",
           {{"multiply", spec.precision.multiply},
            {"accumulate", spec.precision.accumulate},
            {"declared", spec.precision.declared}}},
          {"unit", spec.work.unit},
          {"seed", CandidateJson(checked.contestants.seed ? &*checked.contestants.seed : nullptr)},
          {"baseline", CandidateJson(checked.contestants.Baseline())},
          {"calibration", Json(std::optional(checked.calibration))},
          {"check_shapes", spec.Checks(checked.target).size()},
          {"shapes", shapes}};
}

Result<int> RunCheck(const std::string& file, Context& context) {
  KOPT_TRY(const Target target, context.ChosenTarget());
  KOPT_TRY(const Spec spec, ReadSpec(file));
  Checked checked{.spec = spec, .target = target, .device = context.device()};
  for (const Shape* shape : spec.Scored(target)) {
    KOPT_TRY(BoundTask task, Bind(spec, *shape));
    checked.shapes.push_back(std::move(task));
  }
  KOPT_TRY(checked.contestants, ReadContestants(spec, target, ""));
  KOPT_TRY(Store store, context.OpenStore());
  const auto progress = context.MakeProgress();
  KOPT_TRY(checked.calibration, context.EnsureCalibrated(store, *progress));
  KOPT_TRY(const auto verifier, context.backend().new_verifier(spec, context.OptionsFor(checked.calibration.peaks)));
  progress->Show({.doing = "checking the spec's power against wrong answers"});
  KOPT_TRY(checked.registration, WithRetries([&] { return verifier->Register(); }));
  progress->End();
  context.Print(Header(checked));
  for (size_t i = 0; i < checked.shapes.size(); ++i) context.Print(ShapeText(checked, i));
  context.Print("\nThe check has power: every wrong answer that must be refused was refused.\n");
  context.Document(CheckDocument(checked));
  return 0;
}

}  // namespace

void AddCheck(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("check", "read a spec, prove that its check has power, print what it means");
  auto file = std::make_shared<std::string>();
  command->add_option("SPEC", *file, "the task: a .spec file")->required();
  AddCommonFlags(*command, context.flags());
  command->callback([&action, file] { action = [file](Context& c) { return RunCheck(*file, c); }; });
}

}  // namespace kopt
