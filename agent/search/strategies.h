// The strategies behind NewSearch, and what they share: agent/search*.cc's own.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <vector>

#include "agent/search/search.h"

namespace kopt {

std::unique_ptr<Search> NewExhaustiveSearch(const Space& space);
std::unique_ptr<Search> NewRandomSearch(const Space& space, uint64_t random_seed);
std::unique_ptr<Search> NewModelSearch(const Space& space, uint64_t random_seed);

// The points of the trials that belong to the space.
std::set<Point> PointsOf(const Space& space, std::span<const Trial> trials);

std::vector<Configuration> ConfigurationsAt(const Space& space, const std::vector<Point>& points);

// The points of a space in random order without repetition: all of a listed space, samples of another. Computed as far
// as it is asked for, and kept.
class RandomPoints {
 public:
  RandomPoints(const Space& space, uint64_t random_seed);
  // The point at place `index`; null if there are no more, or no more could be found.
  const Point* At(size_t index);

 private:
  bool Grow();

  const Space& space_;
  uint64_t random_seed_;
  bool exhausted_;  // for good: what was found once decides what is found later
  uint64_t samples_ = 0;
  std::vector<Point> points_;
  std::set<Point> seen_;
};

}  // namespace kopt
