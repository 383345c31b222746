#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "agent/format.h"
#include "agent/report/plot.h"
#include "agent/report/sections.h"
#include "agent/resolution.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

constexpr size_t kBestShown = 10;
constexpr size_t kStepsShown = 20;

bool IsBaseline(const Job& job, const OptimizeResult& result, const Judged& judged) {
  return judged.turn == 0 && job.contestants.SeedIsBaseline() && &judged == &result.screened.front();
}

// "turn 3, BM=64".
std::string PlainName(const Job& job, const Judged& judged) {
  std::string name;
  for (const Inline& part : NameOf(job, judged).parts) name += part.text;
  return name;
}

PlotPoint PointOf(const Job& job, const Judged& judged) {
  const Verdict& verdict = judged.verdict;
  return {.at = judged.at_seconds,
          .name = PlainName(job, judged),
          .outcome = verdict.outcome,
          .remark = verdict.remark,
          .speedup = verdict.speedup,
          .spread = verdict.speedup_interval};
}

std::vector<PlotPoint> PointsOf(const Job& job, const OptimizeResult& result) {
  std::vector<PlotPoint> points;
  for (const Judged& judged : result.screened) {
    if (!IsBaseline(job, result, judged)) points.push_back(PointOf(job, judged));
  }
  for (const Judged& judged : result.confirmations) {
    PlotPoint point = PointOf(job, judged);
    point.confirmation = true;
    point.faster = judged.verdict.correct() && point.spread && Judge(*point.spread) == Comparative::kFaster;
    points.push_back(std::move(point));
  }
  return points;
}

// The screenings that were the fastest so far; the last ones, where there are many.
Table StepsTable(const Job& job, const OptimizeResult& result) {
  Table table{.columns = {{"after", true}, {"configuration"}, {"speedup", true}}};
  double best = 0;
  for (const Judged& judged : result.screened) {
    const double speedup = judged.verdict.speedup.value_or(0);
    if (speedup <= best) continue;
    best = speedup;
    table.rows.push_back({FormatDuration(judged.at_seconds), NameOf(job, judged), FormatSpeedup(judged.verdict)});
  }
  if (table.rows.size() > kStepsShown) table.rows.erase(table.rows.begin(), table.rows.end() - kStepsShown);
  return table;
}

}  // namespace

ScreeningResolution ScreeningResolutionOf(const OptimizeResult& result) {
  std::vector<double> differences;
  for (const Judged& judged : result.screened) {
    if (auto difference = Resolution(judged.verdict)) differences.push_back(*difference);
  }
  const size_t count = differences.size();
  return {.difference = Median(std::move(differences)), .count = count};
}

Blocks SearchSection(const Job& job, const OptimizeResult& result) {
  Plot plot = SpeedupPlot(PointsOf(job, result));
  if (plot.drawn == 0) return {};
  Table steps = StepsTable(job, result);
  std::string caption =
      "What was tried, over active time, with 99 % intervals. Below the speedups: what has none, by outcome.";
  if (plot.left_out > 0) {
    caption += fmt::format(" {} of {} points are not drawn: the fastest are kept, and an even choice of the others.",
                           plot.left_out, plot.left_out + plot.drawn);
  }
  Figure figure{
      .svg = std::move(plot.svg), .caption = caption, .words = "The best by screening so far, as it was found:"};
  if (!steps.rows.empty()) figure.table = std::move(steps);
  return {Heading{"Search"}, std::move(figure)};
}

Blocks OutcomesSection(const OptimizeResult& result) {
  Table table{.columns = {{"outcome"}, {"configurations", true}}};
  for (const auto& [outcome, count] : CountOutcomes(result.screened)) {
    table.rows.push_back({Name(outcome), fmt::to_string(count)});
  }
  if (table.rows.empty()) return {};
  return {Heading{"Outcomes"}, std::move(table)};
}

Blocks BestScreenedSection(const Job& job, const OptimizeResult& result) {
  std::vector<const Judged*> sorted;
  for (const Judged& judged : result.screened) {
    if (judged.verdict.speedup) sorted.push_back(&judged);
  }
  if (sorted.empty()) return {};
  std::ranges::stable_sort(sorted,
                           [](const Judged* a, const Judged* b) { return *a->verdict.speedup > *b->verdict.speedup; });
  sorted.resize(std::min(sorted.size(), kBestShown));
  Table table{.columns = {{"configuration"}, {"speedup", true}, {"time", true}, {"found after", true}}};
  for (const Judged* judged : sorted) {
    table.rows.push_back({NameOf(job, *judged), FormatSpeedup(judged->verdict),
                          FormatMicroseconds(judged->verdict.time_us), FormatDuration(judged->at_seconds)});
  }
  return {Heading{"Best by screening"}, Paragraph{"A screening is short and names no winner."}, std::move(table)};
}

Blocks CostsSection(const OptimizeResult& result) {
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
  if (order.empty()) return {};
  Table table{.columns = {{"stage"}, {"median", true}, {"times", true}, {"total", true}}};
  for (const std::string& stage : order) {
    const std::vector<double>& seconds = costs[stage];
    double total = 0;
    for (double one : seconds) total += one;
    table.rows.push_back(
        {stage, FormatDuration(Median(seconds)), fmt::to_string(seconds.size()), FormatDuration(total)});
  }
  return {Heading{"Cost of a screening"}, std::move(table)};
}

}  // namespace kopt
