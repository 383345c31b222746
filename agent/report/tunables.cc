#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "agent/format.h"
#include "agent/report/bars.h"
#include "agent/report/sections.h"

namespace kopt {
namespace {

constexpr size_t kRowsShown = 150;
constexpr size_t kBarsShown = 60;

// A turn's candidate and the configuration of it that the others are compared with.
struct Best {
  int turn = 0;
  const Candidate* candidate = nullptr;
  std::vector<Tried> trials;
  Configuration configuration;
};

const Tried* Fastest(const std::vector<Tried>& trials) {
  const Tried* best = nullptr;
  for (const Tried& trial : trials) {
    if (trial.speedup && (best == nullptr || *trial.speedup > *best->speedup)) best = &trial;
  }
  return best;
}

// The turn of the confirmed best, else that of the fastest screening that no confirmation found to be wrong.
std::optional<int> BestTurn(const Job& job, const OptimizeResult& result) {
  if (result.best) return result.best->turn;
  std::optional<int> turn;
  double most = 0;
  for (const auto& [number, candidate] : result.turns) {
    const std::vector<Tried> trials = TriedOf(job, result, number);
    const Tried* fastest = Fastest(trials);
    if (fastest == nullptr || *fastest->speedup <= most) continue;
    most = *fastest->speedup;
    turn = number;
  }
  return turn;
}

std::optional<Best> BestOf(const Job& job, const OptimizeResult& result) {
  const auto turn = BestTurn(job, result);
  const auto found = turn ? result.turns.find(*turn) : result.turns.end();
  if (found == result.turns.end() || !found->second.candidate) return std::nullopt;
  Best best{.turn = *turn, .candidate = &*found->second.candidate, .trials = TriedOf(job, result, *turn)};
  const Tried* fastest = Fastest(best.trials);
  if (fastest == nullptr && !result.best) return std::nullopt;
  best.configuration = result.best ? result.best->configuration : fastest->configuration;
  return best;
}

// "3 mismatch, 2 noisy and 4 more"; the most frequent first.
std::string OthersText(const ValueEffect& effect) {
  if (effect.tried() == 0) return "never tried";
  std::vector<std::pair<Outcome, int>> others(effect.others.begin(), effect.others.end());
  std::ranges::stable_sort(others, std::greater(), &std::pair<Outcome, int>::second);
  std::string text;
  int left = effect.tried() - effect.measured;
  for (size_t i = 0; i < std::min<size_t>(others.size(), 2); ++i) {
    const auto [outcome, count] = others[i];
    text += fmt::format("{}{} {}", i > 0 ? ", " : "", count, outcome == Outcome::kMeasured ? "noisy" : Name(outcome));
    left -= count;
  }
  if (left > 0) text += fmt::format(" and {} more", left);
  return effect.measured == 0 ? "never measured: " + text : text;
}

std::string ChangeText(const ValueEffect& effect, const ScreeningResolution& resolution) {
  if (effect.chosen) return "the best";
  if (effect.failed) return *effect.failed == Outcome::kMeasured ? "noisy" : std::string(Name(*effect.failed));
  if (!effect.change) return "not tried";
  const std::string text = fmt::format("{:+.1f} %", 100 * *effect.change);
  return resolution.count > 0 && std::abs(*effect.change) >= resolution.difference ? text : text + ", not resolved";
}

Table EffectsTable(const Sensitivity& sensitivity, const ScreeningResolution& resolution) {
  Table table{.columns = {{"tunable"},
                          {"value", true},
                          {"measured", true},
                          {"best", true},
                          {"loss", true},
                          {"changed alone", true},
                          {"without a speedup"}},
              .names = true};
  for (const TunableEffect& tunable : sensitivity.tunables) {
    for (const ValueEffect& effect : tunable.values) {
      if (table.rows.size() == kRowsShown) return table;
      const auto loss = Loss(effect, sensitivity.fastest);
      table.rows.push_back({Code(tunable.name), fmt::to_string(effect.value), fmt::to_string(effect.measured),
                            effect.best ? FormatSpeedup(*effect.best) : "-", loss ? FormatPercent(*loss) : "-",
                            ChangeText(effect, resolution), OthersText(effect)});
    }
  }
  return table;
}

Bar BarOf(const ValueEffect& effect, double fastest) {
  Bar bar{.label = fmt::to_string(effect.value), .words = OthersText(effect), .strong = effect.chosen};
  if (effect.best) {
    bar.part = *effect.best / fastest;
    bar.words = FormatSpeedup(*effect.best) + (effect.chosen ? ", in the best configuration" : "");
  }
  return bar;
}

// One for each tunable, so that they can be parted on paper.
std::string EffectsPictures(const Sensitivity& sensitivity) {
  std::string pictures;
  size_t bars = 0;
  for (size_t i = 0; i < sensitivity.tunables.size(); ++i) {
    const TunableEffect& tunable = sensitivity.tunables[i];
    bars += tunable.values.size();
    if (bars > kBarsShown) break;
    BarGroup group{.title = tunable.name};
    for (const ValueEffect& effect : tunable.values) group.bars.push_back(BarOf(effect, sensitivity.fastest));
    const Picture picture{.id = fmt::format("tunable-{}", i + 1),
                          .title = "The best speedup with each value of " + tunable.name,
                          .description = fmt::format("The slowest value loses {}.", FormatPercent(tunable.loss))};
    pictures += BarChart(picture, {group}) + "\n";
  }
  return pictures;
}

Prose Introduction(const Sensitivity& sensitivity, const ScreeningResolution& resolution) {
  const TunableEffect& first = sensitivity.tunables.front();
  Prose text = "By screening, " + Code(first.name) +
               fmt::format(" matters most: the fastest configuration with its worst value loses {}. ",
                           FormatPercent(first.loss));
  if (first.loss <= 0) text = "No value that was measured loses anything. ";
  text +=
      "The loss of a value is what the fastest configuration with it lacks of the fastest of all; a value that few "
      "configurations were measured with may look worse than it is. The column \"changed alone\" compares the "
      "configuration that differs from the best one in this tunable only with the best one.";
  if (resolution.count > 0) {
    text += fmt::format(" A screening resolves differences of {}; smaller ones are marked.",
                        FormatPercent(resolution.difference));
  }
  return text;
}

}  // namespace

std::vector<Tried> TriedOf(const Job& job, const OptimizeResult& result, int turn) {
  std::vector<Tried> trials;
  for (const Judged& judged : result.screened) {
    if (judged.turn != turn) continue;
    Tried trial{.configuration = judged.configuration, .outcome = judged.verdict.outcome};
    if (judged.verdict.correct()) trial.speedup = judged.verdict.speedup;
    if (turn == 0 && trials.empty() && job.contestants.SeedIsBaseline() && judged.verdict.correct()) trial.speedup = 1;
    if (trial.speedup && !(std::isfinite(*trial.speedup) && *trial.speedup > 0)) trial.speedup.reset();
    const auto refuted = std::ranges::find_if(result.confirmations, [&](const Judged& confirmation) {
      return IsSame(confirmation, judged) && !confirmation.verdict.correct();
    });
    if (refuted != result.confirmations.end()) {
      trial.outcome = refuted->verdict.outcome;
      trial.speedup.reset();
    }
    trials.push_back(std::move(trial));
  }
  return trials;
}

Blocks TunablesSection(const Job& job, const OptimizeResult& result) {
  const auto best = BestOf(job, result);
  if (!best || best->trials.size() < 2) return {};
  const Sensitivity sensitivity = SensitivityOf(best->candidate->tunables, best->trials, best->configuration);
  if (sensitivity.tunables.empty()) return {};
  const ScreeningResolution resolution = ScreeningResolutionOf(result);
  const std::string of = job.asking.Asks() ? fmt::format(" in turn {}", best->turn) : "";
  Blocks blocks{Heading{"What each tunable does" + of}, Paragraph{Introduction(sensitivity, resolution)},
                EffectsTable(sensitivity, resolution)};
  size_t values = 0;
  for (const TunableEffect& tunable : sensitivity.tunables) values += tunable.values.size();
  if (values > kRowsShown) {
    blocks.push_back(Paragraph{fmt::format("{} more values are not shown.", values - kRowsShown)});
  }
  if (std::string pictures = EffectsPictures(sensitivity); !pictures.empty()) {
    blocks.push_back(
        Figure{.svg = std::move(pictures), .caption = "The best speedup that was screened with each value."});
  }
  return blocks;
}

}  // namespace kopt
