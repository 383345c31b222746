// A depth-first walk over the points of a space: agent/search/space.cc's own.
#pragma once

#include <utility>
#include <vector>

#include "agent/search/space.h"

namespace kopt {

class Space::Walk {
 public:
  // Binds at most `steps` values; the space must live as long.
  Walk(const Space& space, long long steps);

  // Calls `visit(point)` for every admissible point until it returns true. `values(count)` gives for each node of the
  // walk a function from 0 .. count-1 to the value to try then. False if the steps were spent first.
  template <class MakeValues, class Visit>
  bool Run(const MakeValues& values, const Visit& visit) {
    return !Hold(space_.order_.conditions[0]) || !Descend(0, values, visit) || !exhausted_;
  }
  void Refill(long long steps) { left_ = steps; }
  long long bound() const { return bound_; }

  void Bind(size_t tunable, int place);
  bool Hold(const std::vector<size_t>& conditions) const;
  bool HoldAll() const;

 private:
  template <class MakeValues, class Visit>
  bool Descend(size_t depth, const MakeValues& make_values, const Visit& visit) {
    if (depth == space_.order_.tunables.size()) return visit(point_);
    const size_t tunable = space_.order_.tunables[depth];
    const auto count = static_cast<int>(space_.tunables_[tunable].values.size());
    const auto value_at = make_values(count);
    for (int i = 0; i < count; ++i) {
      if (left_ <= 0) exhausted_ = true;
      if (exhausted_) return true;
      --left_;
      ++bound_;
      Bind(tunable, value_at(i));
      if (Hold(space_.order_.conditions[depth + 1]) && Descend(depth + 1, make_values, visit)) return true;
    }
    return false;
  }

  const Space& space_;
  std::vector<std::vector<Values>> bindings_;    // of each condition, with the tunables in them
  std::vector<std::vector<long long*>> places_;  // of each tunable: where the bindings hold its value
  Point point_;
  long long left_;
  long long bound_ = 0;
  bool exhausted_ = false;
};

}  // namespace kopt
