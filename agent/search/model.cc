// The search that learns: agent/search/trial_model.h ranks the points that were not tried. The constants are those that
// did best over all of bench/search_replay.cc's spaces.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <ranges>
#include <utility>

#include "agent/search/random.h"
#include "agent/search/strategies.h"
#include "agent/search/trial_model.h"

namespace kopt {
namespace {

// Trials before the model is asked, the defaults among them. Each is that one of kDrawn random points which is furthest
// from all others.
constexpr size_t kDesign = 3;
constexpr int kDrawn = 3;

// Points that are ranked of a listed and of a sampled space. What is larger gives neighbours of the best trials and
// random points, some of them new with every trial.
constexpr size_t kRanked = 5000, kRankedSamples = 2000;
constexpr size_t kBestTrials = 10, kNeighbours = 100;
constexpr size_t kNewPoints = 10;

using Numbers = std::vector<double>;

// The values of a tunable on [0, 1], by their logarithms where they are positive and spread over a factor of 4 or more.
Numbers Encoded(const Tunable& tunable) {
  const auto [least, most] = std::ranges::minmax(tunable.values);
  const bool logarithmic = least > 0 && most / 4 >= least;
  const auto scaled = [&](long long value) {
    const auto number = static_cast<double>(value);
    return logarithmic ? std::log2(number) : number;
  };
  const double low = scaled(least), range = scaled(most) - low;
  Numbers encoded;
  for (long long value : tunable.values) encoded.push_back(range > 0 ? (scaled(value) - low) / range : 0);
  return encoded;
}

EncodedTrial Described(const Trial& trial) {
  EncodedTrial described{.correct = trial.correct, .deviation = trial.deviation, .pending = trial.pending};
  if (trial.correct && trial.speedup && *trial.speedup > 0 && std::isfinite(*trial.speedup))
    described.log_speedup = std::log(*trial.speedup);
  return described;
}

double SquaredDistance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t d = 0; d < a.size(); ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

class ModelSearch : public Search {
 public:
  ModelSearch(const Space& space, uint64_t random_seed)
      : space_(space), random_seed_(random_seed), order_(space, random_seed) {
    for (const Tunable& tunable : space.tunables()) encoded_.push_back(Encoded(tunable));
  }

  std::vector<Configuration> Propose(std::span<const Trial> trials, size_t n) override;

 private:
  struct Known {
    std::vector<Point> points;  // of the trials, as often as different
    std::vector<EncodedTrial> trials;
  };
  struct Candidates {
    std::vector<Point> points;
    Numbers inputs;   // encoded, one after the other
    Numbers chances;  // of being correct
  };

  Known Look(std::span<const Trial> trials) const;
  std::vector<Point> Untried(const Known& known);
  std::vector<Point> NeighboursOfBest(const Known& known) const;
  std::vector<size_t> Spread(const Known& known, const Candidates& candidates, size_t n) const;

  void Encode(const Point& point, Numbers& to) const {
    for (size_t d = 0; d < encoded_.size(); ++d) to.push_back(encoded_[d][static_cast<size_t>(point[d])]);
  }

  const Space& space_;
  uint64_t random_seed_;
  RandomPoints order_;
  std::vector<Numbers> encoded_;  // of each tunable's values
};

// Of a configuration that was tried twice the first counts.
ModelSearch::Known ModelSearch::Look(std::span<const Trial> trials) const {
  Known known;
  std::set<Point> seen;
  for (const Trial& trial : trials) {
    auto point = space_.Find(trial.configuration);
    if (!point || !seen.insert(*point).second) continue;
    known.trials.push_back(Described(trial));
    Encode(*point, known.trials.back().at);
    known.points.push_back(*std::move(point));
  }
  return known;
}

std::vector<Point> ModelSearch::NeighboursOfBest(const Known& known) const {
  std::vector<size_t> best;
  for (size_t i = 0; i < known.trials.size(); ++i)
    if (known.trials[i].log_speedup) best.push_back(i);
  std::ranges::stable_sort(best, std::greater(), [&](size_t i) { return *known.trials[i].log_speedup; });
  std::vector<Point> points;
  for (size_t i : best | std::views::take(kBestTrials)) {
    const uint64_t seed = Mix(random_seed_, known.trials.size());
    std::ranges::move(space_.Neighbours(known.points[i], kNeighbours, seed), std::back_inserter(points));
  }
  return points;
}

std::vector<Point> ModelSearch::Untried(const Known& known) {
  const bool listed = space_.extent() == Space::Extent::kListed;
  const size_t most = listed ? kRanked : kRankedSamples;
  std::set<Point> seen(known.points.begin(), known.points.end());
  std::vector<Point> points;
  size_t start = 0;
  if (!listed || space_.points().size() > most) {
    for (Point& point : NeighboursOfBest(known))
      if (seen.insert(point).second) points.push_back(std::move(point));
    start = kNewPoints * known.trials.size();
    if (listed) start %= space_.points().size();
  }
  const auto take = [&](size_t from, size_t to, size_t until, auto... steps) {
    for (size_t i = from; i < to && points.size() < until; ++i) {
      const Point* point = order_.At(i, steps...);
      if (point == nullptr) break;
      if (seen.insert(*point).second) points.push_back(*point);
    }
  };
  constexpr size_t kAll = std::numeric_limits<size_t>::max();
  const long long steps = AllowedSteps(known.trials.size());
  take(start, kAll, most, steps);
  take(0, start, most, steps);
  if (points.empty()) take(0, kAll, 1);
  return points;
}

std::vector<size_t> ModelSearch::Spread(const Known& known, const Candidates& candidates, size_t n) const {
  const size_t dimensions = encoded_.size();
  const auto at = [&](size_t i) { return std::span(candidates.inputs).subspan(i * dimensions, dimensions); };
  Random random(Mix(random_seed_, known.trials.size()));
  std::vector<size_t> chosen;
  const auto score = [&](size_t i) {
    double nearest = std::numeric_limits<double>::infinity();
    for (const EncodedTrial& trial : known.trials) nearest = std::min(nearest, SquaredDistance(at(i), trial.at));
    for (size_t other : chosen) nearest = std::min(nearest, SquaredDistance(at(i), at(other)));
    return nearest * candidates.chances[i];
  };
  std::vector<size_t> left(candidates.points.size());
  std::iota(left.begin(), left.end(), size_t{0});
  while (chosen.size() < n && !left.empty()) {
    size_t best = random.Below(left.size());
    for (int i = 1; i < kDrawn; ++i) {
      const size_t other = random.Below(left.size());
      if (score(left[other]) > score(left[best])) best = other;
    }
    chosen.push_back(left[best]);
    left[best] = left.back();
    left.pop_back();
  }
  return chosen;
}

std::vector<Configuration> ModelSearch::Propose(std::span<const Trial> trials, size_t n) {
  const Known known = Look(trials);
  const Point defaults(encoded_.size(), 0);
  if (n == 0) return {};
  if (known.trials.empty() && space_.IsAdmissible(defaults)) return {space_.At(defaults)};
  Candidates candidates{.points = Untried(known)};
  if (candidates.points.empty()) return {};
  for (const Point& point : candidates.points) Encode(point, candidates.inputs);
  candidates.chances =
      known.trials.empty() ? Numbers(candidates.points.size(), 1) : ChancesOfCorrect(known.trials, candidates.inputs);
  const auto measured =
      std::ranges::count_if(known.trials, [](const auto& trial) { return trial.log_speedup.has_value(); });
  const bool design = known.trials.size() < kDesign || measured < 2;
  std::vector<Point> chosen;
  for (size_t i :
       design ? Spread(known, candidates, n) : MostPromising(known.trials, candidates.inputs, candidates.chances, n))
    chosen.push_back(candidates.points[i]);
  return ConfigurationsAt(space_, chosen);
}

}  // namespace

std::unique_ptr<Search> NewModelSearch(const Space& space, uint64_t random_seed) {
  return std::make_unique<ModelSearch>(space, random_seed);
}

}  // namespace kopt
