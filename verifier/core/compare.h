// Comparison of an output with the truth: the tolerance rule. docs/verdicts.md explains it.
//
// The oracle gives, per element, a value in double and the variance of the rounding errors that the declared precision
// makes on the way. The output's own rounding, (u |v|)^2 / 3 and at least (half the smallest subnormal)^2 / 3, is added
// unless the variance is 0 and the value is representable: then equality is demanded. An output passes if every |error|
// is at most LargestError (compare_rule.h) and the root mean square of error / deviation at most 3 + 1 / sqrt(number of
// elements).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "task/spec.h"
#include "verifier/core/compare_rule.h"

namespace kopt {

inline constexpr double kRmsDeviations = 3;  // of many elements
// Of few, the root mean square of honest errors scatters: of one it is the error.
double RmsLimit(long long elements);

// The oracle's answer for one output: one entry per logical element, row-major.
struct Truth {
  std::span<const double> value;
  std::span<const double> variance;    // < 0: the element was not computed (sampled oracle run): not compared
  std::span<const long long> integer;  // integer and bool outputs: exact value (u64: same bits); value, variance unused
  std::span<const uint32_t> owner;     // 0: the element was not computed: not compared; empty: all were
};

struct Comparison {
  bool pass = true;
  long long compared = 0;  // elements
  long long wrong = 0;     // elements that fail on their own
  double largest = 0;      // largest |z| (inf for a wrong non-finite or an unequal exact element)
  double rms = 0;
  long long worst = -1;  // logical index of the first element with the largest |z|; -1 if none was compared
  double got = 0, want = 0, deviation = 0;  // at `worst`
  std::string reason;  // empty if pass: "o[0, 2, 5, 1] is 0.25, the truth 0.5 with deviation 1e-7 (2.5e6 deviations);
                       // 12 of 640 elements are wrong"
};

// `storage` is the tensor's storage as the candidate left it (BoundTensor::bytes). Handles compare, nonfinite, rtol and
// atol (then `largest` is in tolerances, `deviation` is the tolerance, and the root mean square decides nothing); NaN
// equals any NaN, -0 equals 0, inf is exact, and near the overflow threshold of the dtype both the finite value and inf
// are right. A bool byte other than 0 and 1 is wrong. `accept` is not handled here.
Comparison CompareOutput(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage);

// The rule for an output, and the comparison from what was added up by it, in parts that together hold each element
// once. The sums of squares are added in the order of the parts.
CompareRule RuleOf(const Tensor& tensor);
Comparison FinishComparison(const BoundTensor& tensor, std::span<const ComparePart> parts);

// Values of at least this magnitude round to what stands for overflow: infinity; e4m3, which has none: NaN.
double OverflowThreshold(DType type);

}  // namespace kopt
