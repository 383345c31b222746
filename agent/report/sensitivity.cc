#include "agent/report/sensitivity.h"

#include <algorithm>
#include <map>

namespace kopt {
namespace {

using ByConfiguration = std::map<Configuration, const Tried*>;

ValueEffect EffectOf(const Tunable& tunable, long long value, const ByConfiguration& trials,
                     const Configuration& best) {
  ValueEffect effect{.value = value};
  for (const auto& [configuration, trial] : trials) {
    const auto bound = configuration.find(tunable.name);
    if (bound == configuration.end() || bound->second != value) continue;
    if (!trial->speedup) {
      ++effect.others[trial->outcome];
      continue;
    }
    ++effect.measured;
    effect.best = std::max(effect.best.value_or(0), *trial->speedup);
  }
  Configuration neighbour = best;
  neighbour[tunable.name] = value;
  effect.chosen = neighbour == best;
  const auto from = trials.find(best), to = trials.find(neighbour);
  if (effect.chosen || to == trials.end()) return effect;
  if (!to->second->speedup) {
    effect.failed = to->second->outcome;
  } else if (from != trials.end() && from->second->speedup) {
    effect.change = *to->second->speedup / *from->second->speedup - 1;
  }
  return effect;
}

}  // namespace

int ValueEffect::tried() const {
  int count = measured;
  for (const auto& [outcome, times] : others) count += times;
  return count;
}

std::optional<double> Loss(const ValueEffect& effect, double fastest) {
  if (!effect.best) return std::nullopt;
  return 1 - *effect.best / fastest;
}

Sensitivity SensitivityOf(const std::vector<Tunable>& tunables, const std::vector<Tried>& trials,
                          const Configuration& best) {
  Sensitivity result;
  ByConfiguration by_configuration;
  for (const Tried& trial : trials) by_configuration[trial.configuration] = &trial;
  for (const auto& [configuration, trial] : by_configuration) {
    result.fastest = std::max(result.fastest, trial->speedup.value_or(0));
  }
  if (result.fastest <= 0) return result;
  for (const Tunable& tunable : tunables) {
    if (tunable.values.size() < 2) continue;
    TunableEffect effect{.name = tunable.name};
    std::vector<long long> values = tunable.values;
    std::ranges::sort(values);
    for (long long value : values) {
      effect.values.push_back(EffectOf(tunable, value, by_configuration, best));
      effect.loss = std::max(effect.loss, Loss(effect.values.back(), result.fastest).value_or(0));
    }
    result.tunables.push_back(std::move(effect));
  }
  std::ranges::stable_sort(result.tunables, std::greater(), &TunableEffect::loss);
  return result;
}

}  // namespace kopt
