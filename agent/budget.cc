#include "agent/budget.h"

#include <algorithm>
#include <cmath>

namespace kopt {
namespace {

constexpr double kConfirmationSeconds = 15;  // timing of all three processes together
constexpr double kLargestShare = 0.25;
constexpr double kLeastSeconds = 5;
constexpr double kLeastShare = 0.5;

}  // namespace

void Budget::KeepForConfirmation(double check_seconds, int leaders) {
  if (std::isinf(seconds_)) return;
  const double most = std::min(leaders * (kConfirmationSeconds + check_seconds), kLargestShare * seconds_);
  tail_ = std::max(most, std::min(kLeastSeconds, kLeastShare * seconds_));
}

}  // namespace kopt
