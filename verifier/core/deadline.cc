#include "verifier/core/deadline.h"

#include <algorithm>

namespace kopt {
namespace {

constexpr double kLeastLaunchSeconds = 0.2;
constexpr double kBaselineFactor = 20;

}  // namespace

double Deadline::Of(size_t launches, size_t calls) const {
  const auto count = static_cast<double>(std::max<size_t>(calls, 1));
  const auto steps = static_cast<double>(std::max<size_t>(launches, 1));
  if (baseline_call_seconds <= 0) return limit_seconds * count;
  return std::max(std::min(kLeastLaunchSeconds * steps, limit_seconds), kBaselineFactor * baseline_call_seconds) *
         count;
}

}  // namespace kopt
