#include "verifier/core/example.h"

#include <cmath>

#include "task/dtype.h"

namespace kopt {
namespace {

constexpr double kAnything = std::numeric_limits<double>::quiet_NaN();
constexpr double kNothing = -1;

bool HasTolerance(const Tensor& tensor) { return tensor.rtol.has_value() || tensor.atol.has_value(); }
double Tolerance(const Tensor& tensor, double want) {
  return tensor.atol.value_or(0) + tensor.rtol.value_or(0) * std::abs(want);
}

// The value to hold and how far from it a result may be.
struct Bound {
  double value = 0, limit = 0;
};

Bound BoundOf(const Tensor& tensor, double want, double variance) {
  if (variance < 0) return {want, kAnything};
  if (!std::isfinite(want) && tensor.nonfinite == NonFinite::kAny) return {want, kAnything};
  const bool is_exact = tensor.compare == Compare::kExact && !HasTolerance(tensor);
  const double stored = is_exact ? RoundTo(tensor.dtype, want) : want;
  if (!std::isfinite(stored)) return tensor.nonfinite == NonFinite::kForbidden ? Bound{0, kNothing} : Bound{stored, 0};
  if (HasTolerance(tensor)) return {want, Tolerance(tensor, want)};
  if (is_exact) return {stored, 0};
  return {want, LargestError(tensor.dtype, want, variance)};
}

}  // namespace

Expected ExpectedOf(const BoundTensor& bound, const Truth& truth) {
  const Tensor& tensor = *bound.tensor;
  Expected expected;
  if (tensor.compare == Compare::kAny || tensor.accept) return expected;
  if (!IsFloating(tensor.dtype)) {
    expected.integer.assign(truth.integer.begin(), truth.integer.end());
    for (size_t i = 0; i < truth.integer.size(); ++i) {
      const bool computed = truth.owner.empty() || truth.owner[i] != 0;
      const double limit = HasTolerance(tensor) ? Tolerance(tensor, AsDouble(tensor.dtype, truth.integer[i])) : 0;
      expected.limit.push_back(computed ? limit : kAnything);
    }
    return expected;
  }
  for (size_t i = 0; i < truth.value.size(); ++i) {
    const Bound one = BoundOf(tensor, truth.value[i], truth.variance[i]);
    expected.value.push_back(one.value);
    expected.limit.push_back(one.limit);
  }
  if (tensor.nonfinite != NonFinite::kForbidden) expected.overflow = OverflowThreshold(tensor.dtype);
  return expected;
}

}  // namespace kopt
