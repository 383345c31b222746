#include "agent/budget.h"

#include <algorithm>

namespace kopt {
namespace {

constexpr double kConfirmationSeconds = 15;  // timing of all three processes together
constexpr double kLargestShare = 0.25;
constexpr double kLeastSeconds = 5;
constexpr double kLeastShare = 0.5;

}  // namespace

void Budget::KeepForConfirmation(double check_seconds) {
  const double most = std::min(kConfirmationSeconds + check_seconds, kLargestShare * seconds_);
  tail_ = std::max(most, std::min(kLeastSeconds, kLeastShare * seconds_));
}

}  // namespace kopt
