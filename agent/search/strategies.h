// The strategies behind NewSearch, and what they share: agent/search/'s own.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "agent/search/search.h"

namespace kopt {

std::unique_ptr<Search> NewExhaustiveSearch(const Space& space);
std::unique_ptr<Search> NewRandomSearch(const Space& space, uint64_t random_seed);
std::unique_ptr<Search> NewModelSearch(const Space& space, uint64_t random_seed);

// Values that may be bound, all together, to find the points of a proposal that is made after so many trials: a tenth
// of a second for each, and no more than some seconds for a search that is resumed and does all of it at once.
inline long long AllowedSteps(size_t trials) {
  return std::min<long long>(200'000 * (static_cast<long long>(trials) + 1), 10'000'000);
}

// The points of the trials that belong to the space.
std::set<Point> PointsOf(const Space& space, std::span<const Trial> trials);

std::vector<Configuration> ConfigurationsAt(const Space& space, const std::vector<Point>& points);

// The points of a space in random order without repetition: all of a listed space, samples of another. Computed as far
// as it is asked for, and kept.
class RandomPoints {
 public:
  RandomPoints(const Space& space, uint64_t random_seed);
  // The point at place `index`; null if there are no more, if no more could be found, or if more than
  // `steps` values were bound before it: what is found within an allowance depends on nothing else.
  const Point* At(size_t index, long long steps = std::numeric_limits<long long>::max());

 private:
  void Sample();

  const Space& space_;
  uint64_t random_seed_;
  bool exhausted_;  // for good: what was found once decides what is found later
  uint64_t samples_ = 0;
  std::vector<Point> points_;
  std::vector<long long> bound_before_;  // values, until each of the points was found
  long long bound_ = 0;
  int misses_in_a_row_ = 0;
  std::set<Point> seen_;
};

}  // namespace kopt
