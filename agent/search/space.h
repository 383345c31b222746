// The search space of a candidate: the configurations that satisfy every `where` at every shape. It is walked, not
// filtered: each `where` is tested as soon as the tunables it names are bound, so that a space of 10^12 points with
// tight constraints is as good as a small one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.h"
#include "task/candidate.h"

namespace kopt {

// A configuration as places: for each tunable, in the order of the file, the index of its value. The lexicographic
// order of points is that of SpacePoint: the last tunable varies fastest, the defaults come first.
using Point = std::vector<int>;

struct SpaceLimits {
  size_t points = 20000;      // a space with more admissible points is sampled, not listed
  long long steps = 1000000;  // values bound, one at a time, before a listing is given up: about half a second
};

// Owns what it needs: the spec, the candidate and the shapes may go after Create.
class Space {
 public:
  enum class Extent {
    kListed,     // points() holds all
    kSampled,    // too many to list, or too many steps to find them all; Sample finds some
    kEmpty,      // proved: no configuration satisfies every `where`
    kNoneFound,  // none was found within the limits; there may be some
  };

  // Admissible (task/candidate.h) decides what belongs to the space: a condition without a value (a zero divisor) does
  // not hold. Errors: a shape that does not bind a dim; a `where` with a name that nothing binds.
  static Result<Space> Create(const Spec& spec, const Candidate& candidate, const std::vector<const Shape*>& shapes,
                              const Values& device, const SpaceLimits& limits = {});

  Extent extent() const { return extent_; }
  // Every admissible point in order if the space is listed; else none.
  const std::vector<Point>& points() const { return points_; }
  const std::vector<Tunable>& tunables() const { return tunables_; }
  // Points before `where`; saturates at the largest long long.
  long long size() const { return size_; }
  // Values bound while looking for the points: what "none was found" rests on.
  long long looked_at() const { return looked_at_; }

  Configuration At(const Point& point) const;
  // Nothing if a tunable lacks a value, has one that is not in its list, or a name is not a tunable.
  std::optional<Point> Find(const Configuration& configuration) const;
  bool IsAdmissible(const Point& point) const;

  // An admissible point, by a depth-first walk in random order that begins anew when it gets stuck. Every admissible
  // point can come; they are equally likely only where no `where` is. Nothing if none was found within `steps`, from
  // which the values that were bound are taken.
  std::optional<Point> Sample(uint64_t seed, long long& steps) const;
  std::optional<Point> Sample(uint64_t seed) const {
    long long steps = kSampleSteps;
    return Sample(seed, steps);
  }
  static constexpr long long kSampleSteps = 20000;
  // The first `count` admissible points that `skip` does not refuse, in the order of the file if the space is listed,
  // else in an order that tests each `where` early; fewer if there are no more, or if `steps` are spent between one and
  // the next.
  std::vector<Point> InOrder(size_t count, const std::function<bool(const Point&)>& skip,
                             long long steps = 200000) const;
  // Admissible points that differ from `point` in one tunable; where there are more than `most` such points before
  // `where`, a random choice of those.
  std::vector<Point> Neighbours(const Point& point, size_t most, uint64_t seed) const;

 private:
  // A `where` with the names it needs: the places of the tunables, and everything else bound, once for each distinct
  // set of values that the shapes give.
  struct Condition {
    Expr expr;
    std::vector<size_t> tunables;
    std::vector<Values> bindings;
  };
  // Tunables in the order in which a walk binds them, and the conditions complete after each; [0]: before the first.
  struct Order {
    std::vector<size_t> tunables;
    std::vector<std::vector<size_t>> conditions;
  };
  class Walk;

  Result<void> AddCondition(const Candidate& candidate, const Candidate::Where& where,
                            const std::vector<const Shape*>& shapes, const Values& device);
  void ChooseOrder();
  void Explore(const SpaceLimits& limits);

  std::vector<Tunable> tunables_;
  std::vector<Condition> conditions_;
  Order order_;  // conditions complete as early as may be
  long long size_ = 1;
  long long looked_at_ = 0;
  Extent extent_ = Extent::kNoneFound;
  std::vector<Point> points_;
};

}  // namespace kopt
