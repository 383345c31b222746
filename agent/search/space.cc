#include "agent/search/space.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/search/permutation.h"
#include "agent/search/random.h"
#include "agent/search/space_walk.h"

namespace kopt {
namespace {

// The least number of values that a walk in random order binds before it begins anew.
constexpr long long kFirstAttempt = 256;

int InFileOrder(int place) { return place; }

}  // namespace

Space::Walk::Walk(const Space& space, long long steps)
    : space_(space), places_(space.tunables_.size()), point_(space.tunables_.size()), left_(steps) {
  for (const Condition& condition : space.conditions_) bindings_.push_back(condition.bindings);
  for (size_t c = 0; c < bindings_.size(); ++c) {
    for (Values& values : bindings_[c]) {
      for (size_t tunable : space.conditions_[c].tunables)
        places_[tunable].push_back(&values[space.tunables_[tunable].name]);
    }
  }
}

void Space::Walk::Bind(size_t tunable, int place) {
  point_[tunable] = place;
  const long long value = space_.tunables_[tunable].values[static_cast<size_t>(place)];
  for (long long* at : places_[tunable]) *at = value;
}

bool Space::Walk::Hold(const std::vector<size_t>& conditions) const {
  for (size_t c : conditions) {
    for (const Values& values : bindings_[c]) {
      const auto holds = space_.conditions_[c].expr.Int(values);
      if (!holds || *holds == 0) return false;
    }
  }
  return true;
}

bool Space::Walk::HoldAll() const {
  return std::ranges::all_of(space_.order_.conditions, [&](const auto& conditions) { return Hold(conditions); });
}

Result<Space> Space::Create(const Spec& spec, const Candidate& candidate, const std::vector<const Shape*>& shapes,
                            const Values& device, const SpaceLimits& limits) {
  for (const Shape* shape : shapes) {
    for (const std::string& dim : spec.dims)
      if (!shape->dims.contains(dim)) return InternalError(fmt::format("a shape does not bind the dim `{}`", dim));
  }
  Space space;
  space.tunables_ = candidate.tunables;
  space.size_ = SpaceSize(candidate);
  for (const Candidate::Where& where : candidate.where)
    KOPT_CHECK(space.AddCondition(candidate, where, shapes, device));
  space.ChooseOrder();
  space.Explore(limits);
  return space;
}

Result<void> Space::AddCondition(const Candidate& candidate, const Candidate::Where& where,
                                 const std::vector<const Shape*>& shapes, const Values& device) {
  Condition condition{.expr = where.condition};
  std::vector<std::string> fixed;
  for (const std::string& name : where.condition.Names()) {
    const auto tunable = std::ranges::find(tunables_, name, &Tunable::name);
    if (tunable == tunables_.end()) {
      fixed.push_back(name);
    } else {
      condition.tunables.push_back(static_cast<size_t>(tunable - tunables_.begin()));
    }
  }
  for (const Shape* shape : shapes) {
    Values values;
    for (const std::string& name : fixed) {
      const auto dim = shape->dims.find(name);
      const auto constant = device.find(name);
      if (dim == shape->dims.end() && constant == device.end())
        return std::unexpected(Error{.exit = Exit::kUsage,
                                     .message = fmt::format("nothing on this device gives `{}` a value", name),
                                     .file = candidate.file,
                                     .line = where.line,
                                     .key = name});
      values[name] = dim != shape->dims.end() ? dim->second : constant->second;
    }
    if (std::ranges::find(condition.bindings, values) == condition.bindings.end())
      condition.bindings.push_back(std::move(values));
  }
  conditions_.push_back(std::move(condition));
  return {};
}

// The condition that the fewest combinations of unbound values complete comes next, and so on.
void Space::ChooseOrder() {
  std::vector<bool> bound(tunables_.size()), done(conditions_.size());
  const auto values = [&](size_t tunable) { return tunables_[tunable].values.size(); };
  const auto unbound = [&](size_t c) {
    std::vector<size_t> missing;
    for (size_t tunable : conditions_[c].tunables)
      if (!bound[tunable]) missing.push_back(tunable);
    return missing;
  };
  order_.conditions.emplace_back();
  for (size_t round = 0; round < conditions_.size(); ++round) {
    size_t next = 0;
    double fewest = std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < conditions_.size(); ++c) {
      double combinations = 1;
      for (size_t tunable : unbound(c)) combinations *= static_cast<double>(values(tunable));
      if (done[c] || combinations >= fewest) continue;
      next = c;
      fewest = combinations;
    }
    std::vector<size_t> missing = unbound(next);
    std::ranges::stable_sort(missing, {}, values);
    for (size_t tunable : missing) {
      bound[tunable] = true;
      order_.tunables.push_back(tunable);
      order_.conditions.emplace_back();
    }
    order_.conditions.back().push_back(next);
    done[next] = true;
  }
  for (size_t tunable = 0; tunable < tunables_.size(); ++tunable)
    if (!bound[tunable]) order_.tunables.push_back(tunable);
  order_.conditions.resize(order_.tunables.size() + 1);
}

void Space::Explore(const SpaceLimits& limits) {
  Walk walk(*this, limits.steps);
  const bool finished = walk.Run([](int) { return InFileOrder; },
                                 [&](const Point& point) {
                                   points_.push_back(point);
                                   return points_.size() > limits.points;
                                 });
  looked_at_ = walk.bound();
  if (finished && points_.size() <= limits.points) {
    std::ranges::sort(points_);
    extent_ = points_.empty() ? Extent::kEmpty : Extent::kListed;
    return;
  }
  long long steps = limits.steps;
  const bool found = !points_.empty() || Sample(0, steps);
  if (points_.empty()) looked_at_ += limits.steps;
  extent_ = found ? Extent::kSampled : Extent::kNoneFound;
  points_ = {};
}

Configuration Space::At(const Point& point) const {
  Configuration configuration;
  for (size_t i = 0; i < tunables_.size(); ++i)
    configuration[tunables_[i].name] = tunables_[i].values[static_cast<size_t>(point[i])];
  return configuration;
}

std::optional<Point> Space::Find(const Configuration& configuration) const {
  if (configuration.size() != tunables_.size()) return std::nullopt;
  Point point;
  for (const Tunable& tunable : tunables_) {
    const auto bound = configuration.find(tunable.name);
    if (bound == configuration.end()) return std::nullopt;
    const auto value = std::ranges::find(tunable.values, bound->second);
    if (value == tunable.values.end()) return std::nullopt;
    point.push_back(static_cast<int>(value - tunable.values.begin()));
  }
  return point;
}

bool Space::IsAdmissible(const Point& point) const {
  Walk walk(*this, 0);
  for (size_t tunable = 0; tunable < tunables_.size(); ++tunable) walk.Bind(tunable, point[tunable]);
  return walk.HoldAll();
}

std::optional<Point> Space::Sample(uint64_t seed, long long& steps) const {
  std::optional<Point> found;
  long long most = kFirstAttempt + 4 * static_cast<long long>(tunables_.size());
  for (uint64_t attempt = 0; steps > 0; ++attempt, most *= 2) {
    Walk walk(*this, std::min(most, steps));
    Random random(Mix(seed, attempt));
    const bool finished = walk.Run(
        [&](int count) {
          const Permutation order(static_cast<uint64_t>(count), random.Next());
          return [order](int i) { return static_cast<int>(order.At(static_cast<uint64_t>(i))); };
        },
        [&](const Point& point) {
          found = point;
          return true;
        });
    steps -= walk.bound();
    if (finished) break;
  }
  return found;
}

std::vector<Point> Space::InOrder(size_t count, const std::function<bool(const Point&)>& skip, long long steps) const {
  std::vector<Point> found;
  for (size_t i = 0; i < points_.size() && found.size() < count; ++i)
    if (!skip(points_[i])) found.push_back(points_[i]);
  if (extent_ != Extent::kSampled) return found;
  Walk walk(*this, steps);
  walk.Run([](int) { return InFileOrder; },
           [&](const Point& point) {
             walk.Refill(steps);
             if (!skip(point)) found.push_back(point);
             return found.size() >= count;
           });
  return found;
}

std::vector<Point> Space::Neighbours(const Point& point, size_t most, uint64_t seed) const {
  std::vector<std::pair<size_t, int>> changes;
  for (size_t tunable = 0; tunable < tunables_.size(); ++tunable) {
    for (int place = 0; place < static_cast<int>(tunables_[tunable].values.size()); ++place)
      if (place != point[tunable]) changes.emplace_back(tunable, place);
  }
  Walk walk(*this, 0);
  for (size_t tunable = 0; tunable < tunables_.size(); ++tunable) walk.Bind(tunable, point[tunable]);
  const Permutation order(changes.size(), seed);
  std::vector<Point> neighbours;
  for (size_t i = 0; i < std::min(most, changes.size()); ++i) {
    const auto& [tunable, place] = changes[changes.size() > most ? order.At(i) : i];
    walk.Bind(tunable, place);
    if (walk.HoldAll()) {
      neighbours.push_back(point);
      neighbours.back()[tunable] = place;
    }
    walk.Bind(tunable, point[tunable]);
  }
  return neighbours;
}

}  // namespace kopt
