#include "agent/search/search.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/search/permutation.h"
#include "agent/search/strategies.h"
#include "base/hash.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

// Samples in a row that bring nothing new before a space counts as exhausted.
constexpr int kFruitlessSamples = 500;

class ExhaustiveSearch : public Search {
 public:
  explicit ExhaustiveSearch(const Space& space) : space_(space) {}

  std::vector<Configuration> Propose(std::span<const Trial> trials, size_t n) override {
    const std::set<Point> tried = PointsOf(space_, trials);
    const auto skip = [&](const Point& point) { return tried.contains(point); };
    if (n == 0) return {};
    return ConfigurationsAt(space_, space_.InOrder(n, skip));
  }

 private:
  const Space& space_;
};

class RandomSearch : public Search {
 public:
  RandomSearch(const Space& space, uint64_t random_seed) : space_(space), order_(space, random_seed) {}

  std::vector<Configuration> Propose(std::span<const Trial> trials, size_t n) override {
    const std::set<Point> tried = PointsOf(space_, trials);
    std::vector<Point> chosen;
    const auto take = [&](size_t most, auto... steps) {
      for (size_t i = 0; chosen.size() < most; ++i) {
        const Point* point = order_.At(i, steps...);
        if (point == nullptr) break;
        if (!tried.contains(*point)) chosen.push_back(*point);
      }
    };
    take(n, AllowedSteps(trials.size()));
    if (chosen.empty()) take(std::min<size_t>(n, 1));
    return ConfigurationsAt(space_, chosen);
  }

 private:
  const Space& space_;
  RandomPoints order_;
};

}  // namespace

Trial TrialOf(const Configuration& configuration, const Verdict& verdict) {
  Trial trial{.configuration = configuration, .correct = verdict.correct(), .speedup = verdict.speedup};
  const auto estimate = Assess(verdict.samples).estimate;
  if (trial.speedup && estimate) trial.deviation = estimate->deviation;
  return trial;
}

std::set<Point> PointsOf(const Space& space, std::span<const Trial> trials) {
  std::set<Point> points;
  for (const Trial& trial : trials) {
    if (auto point = space.Find(trial.configuration)) points.insert(*std::move(point));
  }
  return points;
}

std::vector<Configuration> ConfigurationsAt(const Space& space, const std::vector<Point>& points) {
  std::vector<Configuration> configurations;
  for (const Point& point : points) configurations.push_back(space.At(point));
  return configurations;
}

RandomPoints::RandomPoints(const Space& space, uint64_t random_seed)
    : space_(space), random_seed_(random_seed), exhausted_(space.extent() != Space::Extent::kSampled) {
  const Permutation order(space.points().size(), random_seed);
  for (size_t i = 0; i < order.size(); ++i) points_.push_back(space.points()[order.At(i)]);
  bound_before_.resize(points_.size());
}

const Point* RandomPoints::At(size_t index, long long steps) {
  while (points_.size() <= index && !exhausted_ && bound_ <= steps) Sample();
  return index < points_.size() && bound_before_[index] <= steps ? &points_[index] : nullptr;
}

void RandomPoints::Sample() {
  long long left = Space::kSampleSteps;
  auto point = space_.Sample(Mix(random_seed_, samples_++), left);
  bound_ += Space::kSampleSteps - left;
  if (point && seen_.insert(*point).second) {
    points_.push_back(*std::move(point));
    bound_before_.push_back(bound_);
    misses_in_a_row_ = 0;
    return;
  }
  exhausted_ = ++misses_in_a_row_ >= kFruitlessSamples;
}

std::unique_ptr<Search> NewExhaustiveSearch(const Space& space) { return std::make_unique<ExhaustiveSearch>(space); }

std::unique_ptr<Search> NewRandomSearch(const Space& space, uint64_t random_seed) {
  return std::make_unique<RandomSearch>(space, random_seed);
}

const std::vector<std::string>& SearchNames() {
  static const std::vector<std::string> names = {"model", "random", "exhaustive"};
  return names;
}

Result<std::unique_ptr<Search>> NewSearch(std::string_view name, const Space& space, uint64_t random_seed) {
  if (name == "model") return NewModelSearch(space, random_seed);
  if (name == "random") return NewRandomSearch(space, random_seed);
  if (name == "exhaustive") return NewExhaustiveSearch(space);
  return UsageError(fmt::format("there is no search `{}`", name),
                    fmt::format("one of {}", fmt::join(SearchNames(), ", ")));
}

}  // namespace kopt
