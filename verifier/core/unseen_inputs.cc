#include "verifier/core/unseen_inputs.h"

#include "verifier/core/statistics.h"

namespace kopt {

UnseenInputs CompareUnseen(std::span<const double> seen, std::span<const double> unseen) {
  UnseenInputs result{.count = static_cast<int>(unseen.size())};
  if (seen.empty() || unseen.empty()) return result;
  const double average = GeometricMean(seen);
  for (const double seconds : unseen) result.slower += seconds > average * (1 + UnseenInputs::kEffect);
  result.ratio = GeometricMean(unseen) / average;
  return result;
}

}  // namespace kopt
