// The tolerance rule for one element, and what a comparison adds up over elements. One text for the host and for
// kernels: NVRTC compiles it too, without the includes. docs/verdicts.md explains the rule.
#pragma once

#include <cmath>
#include <limits>

#include "task/element.h"

namespace kopt {

inline constexpr double kLargestDeviations = 32;  // of what arithmetic does
inline constexpr double kLargestRoundings = 4;    // of an output's own: two units in the last place
inline constexpr double kRoot3 = 1.7320508075688772935;

// What the rule needs to know of an output.
struct CompareRule {
  DType dtype = DType::kF32;
  bool exact = false;              // compare = "exact"
  bool has_tolerance = false;      // rtol or atol replace the rule
  bool any_nonfinite = false;      // nonfinite = "any"
  bool forbids_nonfinite = false;  // nonfinite = "forbidden"
  double rtol = 0, atol = 0;
  double overflow = 0;  // OverflowThreshold(dtype)

  bool IsPlain() const { return !exact && !has_tolerance; }  // deviations decide
  double Limit(double want) const { return atol + rtol * std::fabs(want); }
};

// How one element fares.
struct Judgement {
  bool compared = true;
  bool wrong = false;
  double z = 0;  // |error| in deviations, or in tolerances; infinite where nothing but equality will do
  double deviation = 0;
};
inline Judgement JudgeExact(bool right) {
  return {.wrong = !right, .z = right ? 0 : std::numeric_limits<double>::infinity()};
}
inline Judgement JudgeTolerance(double error, double limit) {
  return {.wrong = error > limit, .z = error > 0 ? error / limit : 0, .deviation = limit};
}

// The largest error of an output's own rounding.
inline double RoundingError(DType type, double value) {
  const double relative = UnitRoundoff(type) * std::fabs(value), least = SmallestSubnormal(type) / 2;
  return relative > least ? relative : least;
}

// sqrt(a^2 + b^2) of numbers >= 0, without overflow, and the same bits everywhere.
inline double Hypotenuse(double a, double b) {
  const double large = a > b ? a : b, small = a > b ? b : a;
  if (!(small > 0)) return large;
  const double ratio = small / large;
  return large * std::sqrt(1 + ratio * ratio);
}

// One standard deviation of a finite truth in an output of that dtype, its own rounding included; 0: equality.
inline double DeviationOf(DType type, double value, double variance) {
  if (!(variance > 0) && RoundTo(type, value) == value) return 0;
  return Hypotenuse(variance > 0 ? std::sqrt(variance) : 0, RoundingError(type, value) / kRoot3);
}

// The square of the largest error that is admissible, in deviations. The output's own rounding is no sum of many
// errors: it has a bound, and counts by that. `share`: of the variance, what is due to it.
inline double LargestSquare(double share) {
  constexpr double kArithmetic = kLargestDeviations * kLargestDeviations;
  constexpr double kRounding = 3 * kLargestRoundings * kLargestRoundings;
  return kArithmetic - (kArithmetic - kRounding) * share;
}

inline double LargestDeviations(DType type, double value, double deviation) {
  const double share = RoundingError(type, value) / kRoot3 / deviation;
  return std::sqrt(LargestSquare(share * share));
}

// The same, absolute; 0: equality.
inline double LargestError(DType type, double value, double variance) {
  const double deviation = DeviationOf(type, value, variance);
  return deviation > 0 ? deviation * LargestDeviations(type, value, deviation) : 0;
}

// Is `got` what a value of that sign beyond the largest finite one is stored as?
inline bool StandsForOverflow(DType type, double got, bool negative) {
  return type == DType::kE4M3 ? std::isnan(got) : std::isinf(got) && std::signbit(got) == negative;
}

inline Judgement JudgeNonFinite(const CompareRule& rule, double got, double want) {
  if (rule.any_nonfinite) return {.compared = false};
  if (rule.forbids_nonfinite) return JudgeExact(false);
  if (std::isnan(want)) return JudgeExact(std::isnan(got));
  return JudgeExact(StandsForOverflow(rule.dtype, got, want < 0));
}

// A finite truth, a result that is not: right where an admissible error takes the truth over the threshold.
inline bool IsOverflow(const CompareRule& rule, double got, double want, double variance) {
  if (rule.forbids_nonfinite || !StandsForOverflow(rule.dtype, got, std::signbit(want))) return false;
  double reach = 0;
  if (rule.IsPlain()) reach = LargestError(rule.dtype, want, variance);
  if (rule.has_tolerance) reach = rule.Limit(want);
  return std::fabs(want) + reach >= rule.overflow;
}

// An element of a floating output. variance < 0: the truth was not computed.
inline Judgement JudgeReal(const CompareRule& rule, double got, double want, double variance) {
  if (variance < 0) return {.compared = false};
  if (!std::isfinite(want)) return JudgeNonFinite(rule, got, want);
  if (!std::isfinite(got)) return JudgeExact(IsOverflow(rule, got, want, variance));
  const double error = std::fabs(got - want);
  if (rule.has_tolerance) return JudgeTolerance(error, rule.Limit(want));
  if (rule.exact) return JudgeExact(got == RoundTo(rule.dtype, want));
  const double deviation = DeviationOf(rule.dtype, want, variance);
  if (deviation == 0) return JudgeExact(error == 0);
  const double z = error / deviation;
  return {.wrong = z > LargestDeviations(rule.dtype, want, deviation), .z = z, .deviation = deviation};
}

inline double AsDouble(DType type, long long value) {
  return type == DType::kU64 ? static_cast<double>(static_cast<unsigned long long>(value)) : static_cast<double>(value);
}

// An element of an integer or bool output: a bool as the byte that is there, u64 by its bits.
inline Judgement JudgeInteger(const CompareRule& rule, long long got, long long want) {
  if (rule.dtype == DType::kBool && (got < 0 || got > 1)) return JudgeExact(false);
  if (!rule.has_tolerance) return JudgeExact(got == want);
  const auto a = static_cast<unsigned long long>(got), b = static_cast<unsigned long long>(want);
  const bool above = rule.dtype == DType::kU64 ? a > b : got > want;
  return JudgeTolerance(static_cast<double>(above ? a - b : b - a), rule.Limit(AsDouble(rule.dtype, want)));
}

// What is stored, for JudgeInteger.
inline long long LoadStored(DType type, const std::byte* data, long long offset) {
  if (type == DType::kBool) return LoadBytes<uint8_t>(data, static_cast<size_t>(offset));
  return LoadInteger(type, data, static_cast<size_t>(offset));
}

// An element with its judgement: enough to say why an output is wrong.
struct ComparedElement {
  long long index = -1;  // logical
  bool wrong = false;
  double z = 0, deviation = 0;
  double got = 0, want = 0;
  long long got_integer = 0, want_integer = 0;  // of integer and bool outputs
};

// What a comparison adds up over some of an output's elements.
struct ComparePart {
  long long compared = 0;
  long long wrong = 0;
  double sum = 0;         // of z^2
  ComparedElement worst;  // of the wrong ones, if any, the first with the largest z; index -1: none was compared

  void Raise(const ComparedElement& element) {
    if (element.index < 0) return;
    const bool first = element.z == worst.z && element.index < worst.index;
    const bool worse = element.wrong == worst.wrong ? element.z > worst.z || first : element.wrong;
    if (worst.index < 0 || worse) worst = element;
  }
  void Add(const Judgement& judgement, const ComparedElement& element) {
    if (!judgement.compared) return;
    ++compared;
    wrong += judgement.wrong;
    sum += judgement.z * judgement.z;
    Raise(element);
  }
  void Add(const ComparePart& other) {
    compared += other.compared;
    wrong += other.wrong;
    sum += other.sum;
    Raise(other.worst);
  }
  void AddReal(const CompareRule& rule, long long index, double got, double want, double variance) {
    const Judgement judgement = JudgeReal(rule, got, want, variance);
    Add(judgement, {.index = index,
                    .wrong = judgement.wrong,
                    .z = judgement.z,
                    .deviation = judgement.deviation,
                    .got = got,
                    .want = want});
  }
  void AddInteger(const CompareRule& rule, long long index, long long got, long long want) {
    const Judgement judgement = JudgeInteger(rule, got, want);
    Add(judgement, {.index = index,
                    .wrong = judgement.wrong,
                    .z = judgement.z,
                    .deviation = judgement.deviation,
                    .got = AsDouble(rule.dtype, got),
                    .want = AsDouble(rule.dtype, want),
                    .got_integer = got,
                    .want_integer = want});
  }
};

}  // namespace kopt
