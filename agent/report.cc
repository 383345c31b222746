#include "agent/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/resolution.h"
#include "agent/results.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

constexpr size_t kBestShown = 10;

using nlohmann::ordered_json;

ordered_json OrNull(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); }

ordered_json IntervalJson(const std::optional<Interval>& interval) {
  return interval ? ordered_json{interval->low, interval->high} : ordered_json();
}

ordered_json BestJson(const Job& job, const Judged& best) {
  const Verdict& verdict = best.verdict;
  return {{"turn", 0},
          {"file", (job.out / kBestFile).string()},
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

std::string Row(std::string_view name, std::string_view value) { return fmt::format("| {} | {} |\n", name, value); }

// A fence longer than any run of backticks inside.
std::string Fenced(const std::string& text) {
  size_t longest = 2, run = 0;
  for (char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fmt::format("{}text\n{}\n{}\n", fence, text, fence);
}

std::string Title(const Job& job, const OptimizeResult& result) {
  if (result.best) {
    return fmt::format("# {}: speedup {}, confirmed\n\n", job.spec->name, FormatSpeedup(*result.best->verdict.speedup));
  }
  const bool none = OutcomeOf(result) == "no_correct_candidate";
  return fmt::format("# {}: {}\n\n", job.spec->name, none ? "no correct candidate" : "no improvement");
}

std::string EndText(const OptimizeResult& result) {
  static const std::map<std::string, std::string, std::less<>> kTexts = {
      {"budget", "the budget was spent"},
      {"space exhausted", "every configuration was tried"},
      {"target speedup", "the target speedup was reached and confirmed"},
      {"interrupted", "it was interrupted"},
      {"failure", "it could not go on"}};
  const auto found = kTexts.find(result.stopped_by);
  return found == kTexts.end() ? result.stopped_by : found->second;
}

std::string Facts(const Job& job, const OptimizeResult& result) {
  const Spec& spec = *job.spec;
  std::string text = "| | |\n|---|---|\n";
  text += Row("task", fmt::format("{} ({}){}", spec.name, spec.file, spec.summary.empty() ? "" : ": " + spec.summary));
  text += Row("target, device", fmt::format("{}, {}", Name(job.target), result.device.name));
  text += Row("speedup is against", job.contestants.BaselineText());
  if (result.best) {
    const Verdict& verdict = result.best->verdict;
    text += Row("speedup", FormatSpeedup(verdict) + ", two-sided 99 % interval");
    text += Row("time of a call", fmt::format("{} (baseline {})", FormatMicroseconds(verdict.time_us),
                                              FormatMicroseconds(verdict.baseline_us)));
    text += Row("speed of light", verdict.sol_fraction ? FormatPercent(*verdict.sol_fraction) + " of it is reached"
                                                       : "not known: run `kopt doctor --calibrate`");
    text += Row("best configuration", Text(result.best->configuration));
  } else {
    text += Row("time of the baseline", FormatMicroseconds(result.baseline.time_us));
  }
  text += Row("tried", fmt::format("{} of {} configurations of the seed {}", result.screened.size(), result.space,
                                   job.contestants.seed->file));
  text += Row("spent", fmt::format("{} of {} active, {} of preparation before", FormatDuration(result.active_seconds),
                                   FormatDuration(job.budget_seconds), FormatDuration(result.preparation_seconds)));
  text += Row("ended because", EndText(result));
  return text + Row("run", result.run.run) + "\n";
}

std::string Explanation(const OptimizeResult& result) {
  if (result.failure) {
    return fmt::format("The run ended early: {}\n\n", Printable(result.failure->Text()));
  }
  if (result.best) {
    return "The figures are those of the confirmation: three fresh processes, input sets that were never used before, "
           "every shape, timed again interleaved with the baseline.\n\n";
  }
  if (result.confirmations.empty()) {
    return result.interrupted ? "The run was interrupted before anything was confirmed.\n\n"
                              : "No configuration looked faster than the baseline by more than can be told.\n\n";
  }
  return "What looked faster by screening was not confirmed; see below.\n\n";
}

std::string Evidence(const OptimizeResult& result) {
  if (!result.best) return "";
  const std::string text = EvidenceText(result.best->verdict.evidence);
  return text.empty() ? "" : "## Evidence\n\n" + Fenced(text) + "\n";
}

std::string Confirmations(const OptimizeResult& result) {
  if (result.confirmations.empty()) return "";
  std::string text = "## Confirmations\n\n| configuration | verdict | speedup |\n|---|---|---|\n";
  for (const Judged& judged : result.confirmations) {
    const auto& interval = judged.verdict.speedup_interval;
    const std::string verdict =
        judged.verdict.correct() && interval ? std::string(Name(Judge(*interval))) : Summary(judged.verdict);
    text += fmt::format("| {} | {} | {} |\n", Text(judged.configuration), verdict, FormatSpeedup(judged.verdict));
  }
  return text + "\n";
}

std::string Outcomes(const OptimizeResult& result) {
  std::string text = "## Outcomes\n\n| outcome | configurations |\n|---|---|\n";
  for (const auto& [outcome, count] : CountOutcomes(result.screened)) text += Row(Name(outcome), fmt::to_string(count));
  return text + "\n";
}

std::string BestScreened(const OptimizeResult& result) {
  std::vector<const Judged*> sorted;
  for (const Judged& judged : result.screened) {
    if (judged.verdict.speedup) sorted.push_back(&judged);
  }
  if (sorted.empty()) return "";
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Judged* a, const Judged* b) { return *a->verdict.speedup > *b->verdict.speedup; });
  sorted.resize(std::min(sorted.size(), kBestShown));
  std::string text = "## Best by screening\n\nA screening is short and names no winner.\n\n";
  text += "| configuration | speedup | time | found after |\n|---|---|---|---|\n";
  for (const Judged* judged : sorted) {
    text += fmt::format("| {} | {} | {} | {} |\n", Text(judged->configuration), FormatSpeedup(judged->verdict),
                        FormatMicroseconds(judged->verdict.time_us), FormatDuration(judged->at_seconds));
  }
  return text + "\n";
}

std::string Differences(const OptimizeResult& result) {
  std::vector<double> screening;
  for (const Judged& judged : result.screened) {
    if (auto difference = Resolution(judged.verdict)) screening.push_back(*difference);
  }
  if (screening.empty()) return "";
  const auto count = screening.size();
  std::string text =
      fmt::format("## Smallest difference\n\nAt this noise a screening can resolve a difference of {} (median of {}).",
                  FormatPercent(Median(std::move(screening))), count);
  if (result.best) {
    if (auto difference = Resolution(result.best->verdict)) {
      text += fmt::format(" The confirmation could resolve {}.", FormatPercent(*difference));
    }
  }
  return text + " A win must exceed 1 % with the whole interval.\n\n";
}

std::string StageCosts(const OptimizeResult& result) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<double>> costs;
  for (const Judged& judged : result.screened) {
    std::map<std::string, double> sums;  // a stage may come up more than once in a verdict
    for (const auto& [stage, seconds] : judged.verdict.stage_seconds) {
      if (!costs.contains(stage)) order.push_back(stage);
      costs[stage];
      sums[stage] += seconds;
    }
    for (const auto& [stage, seconds] : sums) costs[stage].push_back(seconds);
  }
  if (order.empty()) return "";
  std::string text = "## Cost of a screening\n\n| stage | median | times | total |\n|---|---|---|---|\n";
  for (const std::string& stage : order) {
    const std::vector<double>& seconds = costs[stage];
    double total = 0;
    for (double one : seconds) total += one;
    text += fmt::format("| {} | {} | {} | {} |\n", stage, FormatDuration(Median(seconds)), seconds.size(),
                        FormatDuration(total));
  }
  return text + "\n";
}

std::string Repeat(const Job& job, const OptimizeResult& result) {
  std::string text = "## Repeat\n\n```sh\n";
  if (!job.command.empty()) text += job.command + "\n";
  if (result.best) {
    text += fmt::format("kopt verify {} {} --confirm\n", job.spec->file, (job.out / kBestFile).string());
  }
  return text + fmt::format("kopt show {}\n```\n", result.run.run);
}

}  // namespace

std::string OutcomeOf(const OptimizeResult& result) {
  if (result.best) return "improved";
  const auto correct = [](const Judged& judged) { return judged.verdict.correct(); };
  const auto refuted = [&](const Judged& judged) {
    return std::any_of(result.confirmations.begin(), result.confirmations.end(), [&](const Judged& confirmation) {
      return !correct(confirmation) && confirmation.configuration == judged.configuration;
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
  return {{"kopt", 1},
          {"run", result.run.run},
          {"task", job.spec->name},
          {"target", Name(job.target)},
          {"device", result.device.name},
          {"outcome", OutcomeOf(result)},
          {"best", result.best ? BestJson(job, *result.best) : ordered_json()},
          {"turns", 1},
          {"verdicts", CountsJson(CountOutcomes(result.screened))},
          {"spend", {{"seconds", result.active_seconds}, {"prompt_tokens", 0}, {"completion_tokens", 0}, {"usd", 0}}},
          {"report", (job.out / kReportFile).string()}};
}

std::string Report(const Job& job, const OptimizeResult& result) {
  return Title(job, result) + Facts(job, result) + Explanation(result) + Evidence(result) + Confirmations(result) +
         Outcomes(result) + BestScreened(result) + Differences(result) + StageCosts(result) + Repeat(job, result);
}

}  // namespace kopt
