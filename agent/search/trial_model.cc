#include "agent/search/trial_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "agent/search/gaussian_process.h"

namespace kopt {
namespace {

// The cost of a proposal does not grow for ever: trials that a process sees, and trials that fit its hyperparameters.
constexpr size_t kMostTrials = 128, kMostFitted = 64;

constexpr double kLeastScale = 0.01;   // of log(speedup): smaller differences are noise, whatever the trials say
constexpr double kMostVariance = 1;    // of a trial's noise, where the variance of all trials is 1
constexpr double kOptimism = 0.5;      // where nothing is known, between -1 (fails) and 1 (is correct)
constexpr double kDoubt = 0.3;         // standard deviation that always remains on that scale
constexpr double kLeastChance = 0.01;  // of being correct: nothing is ruled out

using Numbers = std::vector<double>;
using Trials = std::vector<const EncodedTrial*>;

// Place `i` of `some` when `all` are thinned evenly to as many, the last included.
size_t Thinned(size_t i, size_t some, size_t all) { return (i + 1) * all / some - 1; }

// Half of `most` are the best, the others the newest.
Trials BestAndNewest(Trials all, size_t most) {
  if (all.size() <= most) return all;
  const auto half = static_cast<std::ptrdiff_t>(most / 2);
  std::stable_sort(all.begin(), all.end() - half,
                   [](const EncodedTrial* a, const EncodedTrial* b) { return *a->log_speedup > *b->log_speedup; });
  all.erase(all.begin() + half, all.end() - half);
  return all;
}

// The mean becomes 0, the standard deviation 1.
Observations Speedups(const Trials& trials) {
  const auto count = static_cast<double>(trials.size());
  double mean = 0, variance = 0;
  for (const EncodedTrial* trial : trials) mean += *trial->log_speedup / count;
  for (const EncodedTrial* trial : trials) variance += std::pow(*trial->log_speedup - mean, 2) / count;
  const double scale = std::max(std::sqrt(variance), kLeastScale);
  Observations observations{.dimensions = trials.front()->at.size()};
  for (const EncodedTrial* trial : trials) {
    const double noise = std::pow(trial->deviation / scale, 2);
    observations.Add(trial->at, (*trial->log_speedup - mean) / scale,
                     noise < kMostVariance ? noise : kMostVariance);  // also for what is not a number
  }
  return observations;
}

Hyperparameters Fitted(const Observations& all) {
  if (all.size() <= kMostFitted) return FitHyperparameters(all);
  Observations some{.dimensions = all.dimensions};
  for (size_t i = 0; i < kMostFitted; ++i) {
    const size_t at = Thinned(i, kMostFitted, all.size());
    some.Add(std::span(all.inputs).subspan(at * all.dimensions, all.dimensions), all.values[at], all.variances[at]);
  }
  return FitHyperparameters(some);
}

double NormalDensity(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi); }
double NormalBelow(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

double ExpectedImprovement(double mean, double deviation, double best) {
  if (deviation <= 0) return std::max(mean - best, 0.0);
  const double z = (mean - best) / deviation;
  return (mean - best) * NormalBelow(z) + deviation * NormalDensity(z);
}

}  // namespace

Numbers ChancesOfCorrect(const std::vector<EncodedTrial>& trials, std::span<const double> inputs) {
  const size_t dimensions = trials.front().at.size();
  Numbers chances(inputs.size() / dimensions, 1);
  if (std::ranges::all_of(trials, &EncodedTrial::correct)) return chances;
  Observations observations{.dimensions = dimensions};
  const size_t seen = std::min(trials.size(), kMostTrials);
  for (size_t i = 0; i < seen; ++i) {
    const EncodedTrial& trial = trials[Thinned(i, seen, trials.size())];
    observations.Add(trial.at, (trial.correct ? 1 : -1) - kOptimism, 0);
  }
  const Posterior posterior(observations, Fitted(observations), inputs);
  for (size_t i = 0; i < chances.size(); ++i) {
    const double chance = NormalBelow((posterior.Mean(i) + kOptimism) / std::hypot(posterior.Deviation(i), kDoubt));
    chances[i] = std::max(chance, kLeastChance);
  }
  return chances;
}

std::vector<size_t> MostPromising(const std::vector<EncodedTrial>& trials, std::span<const double> inputs,
                                  std::span<const double> chances, size_t n) {
  Trials measured;
  for (const EncodedTrial& trial : trials)
    if (trial.log_speedup) measured.push_back(&trial);
  const Observations observations = Speedups(BestAndNewest(std::move(measured), kMostTrials));
  const size_t measured_count = observations.size();
  size_t first = measured_count;
  Numbers points = observations.inputs;
  for (const EncodedTrial& trial : trials) {
    if (!trial.pending) continue;
    points.insert(points.end(), trial.at.begin(), trial.at.end());
    ++first;
  }
  points.insert(points.end(), inputs.begin(), inputs.end());
  Posterior posterior(observations, Fitted(observations), points);

  // The best is what the process believes of the trials, not a lucky measurement.
  double best = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < first; ++i) best = std::max(best, posterior.Mean(i));
  for (size_t i = measured_count; i < first; ++i) posterior.Believe(i);
  std::vector<size_t> chosen;
  std::vector<bool> taken(chances.size());
  while (chosen.size() < std::min(n, taken.size())) {
    size_t next = taken.size();
    double most = -1;
    for (size_t i = 0; i < taken.size(); ++i) {
      if (taken[i]) continue;
      const double improvement = ExpectedImprovement(posterior.Mean(first + i), posterior.Deviation(first + i), best);
      if (improvement * chances[i] <= most) continue;
      most = improvement * chances[i];
      next = i;
    }
    taken[next] = true;
    chosen.push_back(next);
    if (chosen.size() == n) break;
    best = std::max(best, posterior.Mean(first + next));
    posterior.Believe(first + next);
  }
  return chosen;
}

}  // namespace kopt
