// Statistics of interleaved timing: ratios, intervals, the acceptance rule. Fed with values: no clock, no device.
// docs/verdicts.md states the rule and where each constant comes from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "verifier/core/verdict.h"

namespace kopt {

inline constexpr double kConfidence = 0.99;     // two-sided
inline constexpr double kMinimumEffect = 0.01;  // "faster" needs the interval above 1 + this

// log(time of the baseline / time of the candidate) of one quad: A is the candidate, B the baseline.
double LogRatio(const Quad& quad);

struct Estimate {
  double speedup = 1;        // exp of the mean (screening, < 20 quads) or of the median-of-bootstrap centre
  Interval interval;         // two-sided 99 %
  int quads = 0;
};

// Student's t on the log ratios under 20 quads, circular block bootstrap (block length ~ n^(1/3), 2000 resamples, seeded
// by the data's count so that it is reproducible) from 20 on. Fewer than 2 quads: no estimate.
std::optional<Estimate> EstimateRatio(std::span<const double> log_ratios);

// Over scored shapes: the geometric mean; variances add as independent.
std::optional<Estimate> CombineShapes(std::span<const Estimate> shapes);
// Over processes: the interval is the union of the processes' intervals, so the spread between processes is inside.
std::optional<Estimate> CombineProcesses(std::span<const Estimate> processes);

enum class Comparative { kFaster, kSlower, kSame, kCannotTell };
// faster: interval above 1 + minimum effect; slower: below 1 / (1 + minimum effect); same: inside; else cannot tell.
Comparative Judge(const Interval& interval);
std::string_view Name(Comparative comparative);

// When to stop sampling one shape in one process pair. Never because the comparison looks good.
struct StoppingRule {
  int least_quads = 8;
  double relative_width = 0;    // stop when the interval is this wide (0.005: 0.5 %); 0: not used
  double seconds_a_side = 0;    // ... or this many seconds of samples a side
  bool stop_when_worse = false; // screening on cpu: end early when the interval lies below 1 / (1 + minimum effect)
  bool Done(std::span<const double> log_ratios, double seconds_a, double seconds_b) const;
};

// Drops whole quads that are outliers (|log ratio - median| > 5 scaled MAD, or A1/A2 or B1/B2 apart by more than 5 scaled
// MAD of those differences), at most 20 %; nothing if more would have to go: then the verdict is "noisy".
std::optional<std::vector<Quad>> DropDisturbed(std::span<const Quad> quads);

// The smallest relative difference that quads of this scatter can resolve with `quads` of them: the half width of the
// 99 % interval plus the minimum effect.
double SmallestDifference(std::span<const double> log_ratios, int quads);

double Median(std::vector<double> values);
double GeometricMean(std::span<const double> values);

}  // namespace kopt
