// The search space of a candidate: its configurations, and its text with one of them bound.
#include "task/candidate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <climits>
#include <functional>

#include "task/plan_lexer.h"

namespace kopt {
namespace {

// The names that `where` and the plan's expressions may use at a shape.
Values NamesAt(const Shape& shape, const Configuration& configuration, const Values& device) {
  Values values = shape.dims;
  values.insert(configuration.begin(), configuration.end());
  values.insert(device.begin(), device.end());
  return values;
}

const Tunable* TunableAt(const Candidate& candidate, int line) {
  for (const Tunable& tunable : candidate.tunables)
    if (tunable.line == line) return &tunable;
  return nullptr;
}

// The line's `# comment`, if it has one.
std::string_view CommentOf(std::string_view line) {
  size_t hash = line.find('#');
  return hash == std::string_view::npos ? std::string_view() : line.substr(hash);
}

}  // namespace

std::string Candidate::Library() const {
  for (const PlanLine& line : plan) {
    if (line.kind == PlanLine::Kind::kLibrary) return line.function;
  }
  return "";
}

const Scratch* Candidate::FindScratch(std::string_view name) const {
  auto found = std::find_if(scratch.begin(), scratch.end(), [&](const Scratch& one) { return one.name == name; });
  return found == scratch.end() ? nullptr : &*found;
}

Configuration DefaultConfiguration(const Candidate& candidate) { return SpacePoint(candidate, 0); }

Result<void> CheckBindsTunables(const Candidate& candidate, const Configuration& configuration) {
  for (const Tunable& tunable : candidate.tunables)
    if (!configuration.contains(tunable.name))
      return PlanError(candidate.file, tunable.line, 0,
                       fmt::format("the configuration has no value for `{}`", tunable.name), tunable.name);
  return {};
}

std::string Text(const Configuration& configuration) {
  if (configuration.empty()) return "-";
  std::string text;
  for (const auto& [name, value] : configuration) text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  return text;
}

Result<bool> Admissible(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                        const std::vector<const Shape*>& shapes, const Values& device) {
  KOPT_CHECK(CheckBindsTunables(candidate, configuration));
  for (const Shape* shape : shapes) {
    for (const std::string& dim : spec.dims)
      if (!shape->dims.contains(dim)) return InternalError(fmt::format("a shape does not bind the dim `{}`", dim));
    Values values = NamesAt(*shape, configuration, device);
    for (const Candidate::Where& where : candidate.where) {
      auto holds = where.condition.Int(values);
      if (!holds || *holds == 0) return false;
    }
  }
  return true;
}

long long SpaceSize(const Candidate& candidate) {
  long long size = 1;
  for (const Tunable& tunable : candidate.tunables)
    if (__builtin_mul_overflow(size, static_cast<long long>(tunable.values.size()), &size)) return LLONG_MAX;
  return size;
}

Configuration SpacePoint(const Candidate& candidate, long long index) {
  Configuration configuration;
  for (size_t i = candidate.tunables.size(); i-- > 0;) {
    const Tunable& tunable = candidate.tunables[i];
    auto count = static_cast<long long>(tunable.values.size());
    configuration[tunable.name] = tunable.values[static_cast<size_t>(index % count)];
    index /= count;
  }
  return configuration;
}

namespace {

// The text with other values in each `tune` line whose tunable `values_of` knows.
std::string WithValues(const Candidate& candidate,
                       const std::function<std::vector<long long>(const Tunable&)>& values_of) {
  std::string text;
  int number = 1;
  for (size_t begin = 0; begin < candidate.source.size(); ++number) {
    size_t end = std::min(candidate.source.find('\n', begin), candidate.source.size());
    std::string_view line = std::string_view(candidate.source).substr(begin, end - begin);
    const Tunable* tunable = TunableAt(candidate, number);
    const std::vector<long long> values = tunable ? values_of(*tunable) : std::vector<long long>();
    if (values.empty()) {
      text += line;
    } else {
      std::string_view comment = CommentOf(line);
      text += fmt::format("//@ tune {} = {}{}{}", tunable->name, fmt::join(values, " | "), comment.empty() ? "" : "  ",
                          comment);
    }
    if (end < candidate.source.size()) text += '\n';
    begin = end + 1;
  }
  return text;
}

}  // namespace

std::string SourceWithBoundTunables(const Candidate& candidate, const Configuration& configuration) {
  return WithValues(candidate, [&](const Tunable& tunable) {
    const auto value = configuration.find(tunable.name);
    return value == configuration.end() ? std::vector<long long>() : std::vector{value->second};
  });
}

std::string SourceWithDefaults(const Candidate& candidate, const Configuration& configuration) {
  return WithValues(candidate, [&](const Tunable& tunable) {
    std::vector<long long> values = tunable.values;
    const auto value = configuration.find(tunable.name);
    if (value == configuration.end() || value->second == values.front()) return std::vector<long long>();
    std::erase(values, value->second);
    values.insert(values.begin(), value->second);
    return values;
  });
}

}  // namespace kopt
