#include "cli/bind_tunables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "task/nearest.h"

namespace kopt {
namespace {

std::unexpected<Error> SetError(std::string message, const Candidate& candidate, int line, std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = std::move(message),
                               .file = candidate.file,
                               .line = line,
                               .key = "--set",
                               .hint = std::move(hint)});
}

Result<void> BindOne(const Candidate& candidate, const std::string& text, Configuration& configuration) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  long long value = 0;
  const char* begin = text.data() + (equals == std::string::npos ? text.size() : equals + 1);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (equals == std::string::npos || error != std::errc() || stop != end) {
    return SetError(fmt::format("`{}` does not bind a tunable", text), candidate, 0, "write it as --set NAME=64");
  }
  std::vector<std::string> names;
  for (const Tunable& tunable : candidate.tunables) names.push_back(tunable.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return SetError(fmt::format("no tunable is called `{}`", name), candidate, 0,
                    names.empty() ? "the file has no `//@ tune` line" : NearestHint(name, names));
  }
  const Tunable& tunable = candidate.tunables[static_cast<size_t>(found - names.begin())];
  if (std::find(tunable.values.begin(), tunable.values.end(), value) == tunable.values.end()) {
    return SetError(fmt::format("{} is none of the values of `{}`", value, name), candidate, tunable.line,
                    fmt::format("one of {}", fmt::join(tunable.values, ", ")));
  }
  configuration[name] = value;
  return {};
}

}  // namespace

Result<Configuration> BindTunables(const Candidate& candidate, const std::vector<std::string>& set) {
  Configuration configuration = DefaultConfiguration(candidate);
  for (const std::string& text : set) KOPT_CHECK(BindOne(candidate, text, configuration));
  return configuration;
}

Result<std::vector<Configuration>> BindTunablesOfAll(const std::vector<Candidate>& candidates,
                                                     const std::vector<std::string>& set) {
  const auto declares = [](const Candidate& candidate, const std::string& text) {
    const std::string name = text.substr(0, text.find('='));
    return std::ranges::find(candidate.tunables, name, &Tunable::name) != candidate.tunables.end();
  };
  for (const std::string& text : set) {
    const auto knows = [&](const Candidate& candidate) { return declares(candidate, text); };
    // What nobody knows, the first one refuses.
    if (std::ranges::none_of(candidates, knows)) KOPT_CHECK(BindTunables(candidates.front(), {text}));
  }
  std::vector<Configuration> configurations;
  for (const Candidate& candidate : candidates) {
    std::vector<std::string> known = set;
    std::erase_if(known, [&](const std::string& text) { return !declares(candidate, text); });
    KOPT_TRY(Configuration configuration, BindTunables(candidate, known));
    configurations.push_back(std::move(configuration));
  }
  return configurations;
}

}  // namespace kopt
