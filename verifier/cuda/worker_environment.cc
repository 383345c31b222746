#include "verifier/cuda/worker_environment.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace kopt {
namespace {

std::string_view NameOf(std::string_view variable) { return variable.substr(0, variable.find('=')); }

bool EndsWith(std::string_view name, std::string_view capitals) {
  if (name.size() < capitals.size()) return false;
  return std::ranges::equal(name.substr(name.size() - capitals.size()), capitals,
                            [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; });
}

bool NamesDevices(std::string_view name) {
  constexpr std::array<std::string_view, 3> kNames = {"CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CUDA_DEVICE_ORDER"};
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

bool NamesSecret(std::string_view variable) {
  constexpr std::array<std::string_view, 4> kEnds = {"KEY", "TOKEN", "SECRET", "PASSWORD"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return EndsWith(variable, end); });
}

std::vector<std::string> WorkerEnvironment(const char* const* all) {
  std::vector<std::string_view> variables;
  for (; *all != nullptr; ++all) variables.emplace_back(*all);
  // kopt's own, for profilers that follow it: docs/gpu.md.
  const bool everything = std::ranges::find(variables, "KOPT_WORKER_ENVIRONMENT", NameOf) != variables.end();
  std::vector<std::string> environment{"PATH=/usr/bin:/bin", "LC_ALL=C"};
  for (const std::string_view variable : variables) {
    const std::string_view name = NameOf(variable);
    if (everything ? !NamesSecret(name) : NamesDevices(name)) environment.emplace_back(variable);
  }
  return environment;
}

}  // namespace kopt
