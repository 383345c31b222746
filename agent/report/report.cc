#include "agent/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/format.h"
#include "agent/report/sections.h"
#include "agent/results.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

ordered_json OrNull(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); }

ordered_json IntervalJson(const std::optional<Interval>& interval) {
  return interval ? ordered_json{interval->low, interval->high} : ordered_json();
}

ordered_json BestJson(const Job& job, const Judged& best) {
  const Verdict& verdict = best.verdict;
  return {{"turn", best.turn},
          {"file", (job.out / BestFile(job.target)).string()},
          {"speedup", OrNull(verdict.speedup)},
          {"speedup_interval", IntervalJson(verdict.speedup_interval)},
          {"time_us", OrNull(verdict.time_us)},
          {"baseline_us", OrNull(verdict.baseline_us)},
          {"sol_fraction", OrNull(verdict.sol_fraction)},
          {"tunables", TunablesJson(best.configuration)},
          {"confirmed", true}};
}

ordered_json CountsJson(const OutcomeCounts& counts) {
  ordered_json json = ordered_json::object();
  for (int i = static_cast<int>(Outcome::kMeasured); i >= 0; --i) {
    const auto outcome = static_cast<Outcome>(i);
    const auto found = counts.find(outcome);
    json[std::string(Name(outcome))] = found == counts.end() ? 0 : found->second;
  }
  return json;
}

std::string TitleText(const Job& job, const OptimizeResult& result) {
  if (result.best) {
    return fmt::format("{}: speedup {}, confirmed", job.spec->name, FormatSpeedup(*result.best->verdict.speedup));
  }
  const bool none = OutcomeOf(result) == "no_correct_candidate";
  return fmt::format("{}: {}", job.spec->name, none ? "no correct candidate" : "no improvement");
}

std::string Explanation(const OptimizeResult& result) {
  std::string text;
  if (result.failure) {
    text = fmt::format("The run ended early: {}. What was judged until then stands.", result.failure->Text());
    if (!result.best) return text;
    text += ' ';
  }
  if (result.best) {
    return text +
           "The figures are those of the confirmation: three fresh processes, input sets that were never used before, "
           "every shape, timed again interleaved with the baseline.";
  }
  const bool none = OutcomeOf(result) == "no_correct_candidate";
  if (!result.confirmations.empty()) {
    return none ? "What looked right by screening was found to be wrong by confirmation; see below."
                : "What looked faster by screening was not confirmed; see below.";
  }
  if (result.interrupted) return "The run was interrupted before anything was confirmed.";
  return none ? "Nothing was found that gives right answers."
              : "No configuration looked faster than the baseline by more than can be told.";
}

// "sandbox.abi": 4 and the like; what is no object stands on one line.
void AddManifest(const std::string& prefix, const ordered_json& value, Table& table) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, part] : value.items()) AddManifest(prefix.empty() ? key : prefix + "." + key, part, table);
    return;
  }
  const auto text = [](const ordered_json& part) {
    return part.is_string() ? part.get<std::string>()
                            : part.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  };
  std::string line;
  if (value.is_array()) {
    for (const ordered_json& part : value) line += (line.empty() ? "" : ", ") + text(part);
  } else if (!value.is_null() && !value.is_object()) {
    line = text(value);
  }
  table.rows.push_back({prefix, line.empty() ? "-" : line});
}

Blocks ManifestSection(const OptimizeResult& result) {
  if (!result.manifest.is_object() || result.manifest.empty()) return {};
  Table table{.columns = {{"key"}, {"value"}}, .names = true};
  AddManifest("", result.manifest, table);
  return {Heading{"Manifest"}, std::move(table)};
}

Blocks RepeatSection(const Job& job, const OptimizeResult& result) {
  std::string text;
  if (!job.command.empty()) text += job.command + "\n";
  if (result.best) {
    text += fmt::format("kopt verify --manifest {}\n", (job.out / kManifestFile).string());
  }
  text += fmt::format("kopt show {}\n", result.run.run);
  if (job.asking.Asks() && result.best) text += fmt::format("kopt show {} {}\n", result.run.run, result.best->turn);
  return {Heading{"Repeat"}, CodeBlock{.language = "sh", .text = std::move(text)}};
}

}  // namespace

std::string OutcomeOf(const OptimizeResult& result) {
  if (result.best) return "improved";
  const auto correct = [](const Judged& judged) { return judged.verdict.correct(); };
  const auto refuted = [&](const Judged& judged) {
    return std::any_of(result.confirmations.begin(), result.confirmations.end(), [&](const Judged& confirmation) {
      return !correct(confirmation) && IsSame(confirmation, judged);
    });
  };
  const bool any = std::any_of(result.screened.begin(), result.screened.end(),
                               [&](const Judged& judged) { return correct(judged) && !refuted(judged); });
  return any ? "no_improvement" : "no_correct_candidate";
}

ordered_json TunablesJson(const Configuration& configuration) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, value] : configuration) json[name] = value;
  return json;
}

ordered_json ResultDocument(const Job& job, const OptimizeResult& result) {
  ordered_json document = {
      {"kopt", 1},
      {"run", result.run.run},
      {"task", job.spec->name},
      {"target", Name(job.target)},
      {"device", result.device.name},
      {"outcome", OutcomeOf(result)},
      {"best", result.best ? BestJson(job, *result.best) : ordered_json()},
      {"turns", result.turns.size()},
      {"verdicts", CountsJson(CountOutcomes(result.screened))},
      {"spend",
       {{"seconds", result.active_seconds},
        {"prompt_tokens", result.spend.prompt_tokens},
        {"completion_tokens", result.spend.completion_tokens},
        {"usd", result.spend.asked > 0 && !result.spend.priced ? ordered_json() : ordered_json(result.spend.usd)}}},
      {"report", (job.out / kReportFile).string()}};
  if (!result.devices.empty()) document["devices"] = result.devices;
  return document;
}

Document Report(const Job& job, const OptimizeResult& result) {
  Document document{.title = TitleText(job, result), .blocks = {Paragraph{Explanation(result)}}};
  const auto add = [&](Blocks blocks) {
    for (Block& block : blocks) document.blocks.push_back(std::move(block));
  };
  add(FactsSection(job, result));
  add(BoundSection(job, result));
  add(MeaningSection(job, result));
  add(SearchSection(job, result));
  add(TurnsSection(job, result));
  add(LineageSection(job, result));
  add(KernelSection(job, result));
  add(EvidenceSection(result));
  add(ConfirmationsSection(job, result));
  add(OutcomesSection(result));
  add(BestScreenedSection(job, result));
  add(TunablesSection(job, result));
  add(CostsSection(result));
  add(ManifestSection(result));
  add(RepeatSection(job, result));
  return document;
}

}  // namespace kopt
