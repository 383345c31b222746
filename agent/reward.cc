#include "agent/reward.h"

#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "task/nearest.h"

namespace kopt {
namespace {

double Known(const std::optional<double>& value) { return value && std::isfinite(*value) ? *value : 0; }

}  // namespace

std::string_view Name(Reward reward) { return reward == Reward::kSol ? "sol" : "drkernel"; }

Result<Reward> ParseReward(std::string_view name) {
  std::array<std::string, 2> names;
  for (const Reward reward : {Reward::kDrKernel, Reward::kSol}) {
    if (Name(reward) == name) return reward;
    names[static_cast<size_t>(reward)] = Name(reward);
  }
  return UsageError(fmt::format("there is no reward `{}`", Shown(name)), NearestHint(name, names));
}

double RewardOf(Reward reward, const Verdict& verdict) {
  if (!verdict.correct()) return 0;
  if (reward == Reward::kSol) return 1 + Known(verdict.sol_fraction);
  return 1 + Known(verdict.speedup) + Known(verdict.coverage);
}

}  // namespace kopt
