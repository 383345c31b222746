// Statistics of interleaved timing: ratios, intervals, the acceptance rule. Fed with values: no clock, no device.
// docs/verdicts.md states the rule and where each constant comes from; bench/acceptance.cc measures its errors.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "verifier/core/verdict.h"

namespace kopt {

inline constexpr double kConfidence = 0.99;     // two-sided
inline constexpr double kMinimumEffect = 0.01;  // "faster" needs the interval above 1 + this
// Standard deviation of what one process adds to a ratio for its whole life (where its pages and code happen to lie).
// A few processes cannot show how much that is, so an interval never assumes less.
inline constexpr double kProcessSpread = 0.003;

// log(time of the baseline / time of the candidate) of one quad: A is the candidate, B the baseline. NaN if a time is
// not finite and positive (a batch that took no longer than the empty one).
double LogRatio(const Quad& quad);

struct Estimate {
  double speedup = 1;  // exp of the mean log ratio
  Interval interval;   // of the speedup, two-sided 99 %
  int quads = 0;
  double deviation = 0;  // standard error of log(speedup)
  double degrees = 1;    // degrees of freedom of `deviation`
};

// One shape in one process pair. The interval is mean +- t * deviation. Under 20 quads the deviation is that of
// independent quads. From 20 on it is that of a circular block bootstrap of the mean (block length n^(1/3) rounded) in
// its closed form, the scatter of all n block means; never less than that of independent quads. Degrees: n - 1, for
// blocks of b 1.5 (n / b - 1). Fewer than 2 quads, or one that is not finite: no estimate.
std::optional<Estimate> EstimateRatio(std::span<const double> log_ratios);

// Over scored shapes of one process: the geometric mean; variances add as independent (Satterthwaite's degrees).
std::optional<Estimate> CombineShapes(std::span<const Estimate> shapes);

// Over processes: the mean of their logs, +- t * sqrt((mean squared deviation + kProcessSpread^2) / processes), widened
// to hold every process's own mean. Where the processes differ by more than that explains (F test at 99 %), the
// interval is the union of theirs. (A union always would miss a 2 % slowdown at 1 % noise four times in five with 12
// quads a process, once in three with 24; Student's t over three means has two degrees of freedom and is four times as
// wide.)
std::optional<Estimate> CombineProcesses(std::span<const Estimate> processes);

enum class Comparative { kFaster, kSlower, kSame, kCannotTell };
// faster: interval above 1 + minimum effect; slower: below 1 / (1 + minimum effect); same: inside; else cannot tell.
Comparative Judge(const Interval& interval);
std::string_view Name(Comparative comparative);

// The quads of one shape in one process without the disturbed ones: a time that is not positive; from 8 quads on, log
// ratio, A1 against A2 or B1 against B2 further from its median than 5 (1 + 4 / n) scaled MAD and 0.5 %. Nothing if
// more than half (of few: more than one) would have to go, or more than a third because of A, or because of B: what
// only one side does may be its own way, and is not to be left out.
std::optional<std::vector<Quad>> DropDisturbed(std::span<const Quad> quads);

// Relative standard deviation of one batch's time, from the differences within quads. 0 with fewer than 2 quads.
double Noise(std::span<const Quad> quads);

// All samples of one verdict: disturbed quads dropped, then shapes combined within a process, then processes. Screening
// has one process: kProcessSpread is in its interval too, but it ranks, and never names a winner.
struct Assessment {
  std::optional<Estimate> estimate;  // empty: noisy, too few quads, or a process that lacks a shape
  bool noisy = false;                // more than 25 % of all quads disturbed, or too many of one shape in one process
  int dropped = 0;                   // quads
  double noise = 0;                  // largest Noise of any shape in any process, disturbed quads dropped
};
Assessment Assess(std::span<const ShapeSamples> samples);

// When to stop sampling one shape in one process pair. Never because the comparison looks good.
struct StoppingRule {
  int least_quads = 8;
  double least_seconds = 0;   // of the clock
  double relative_width = 0;  // stop when the interval is this wide (0.005: 0.5 %); 0: not used
  double seconds_a_side = 0;  // ... or at this many seconds of samples a side
  int timed_quads = 0;        // ... and no fewer quads than this
  double most_seconds = 0;    // of the clock: stop whatever the interval, with 3 quads at least; 0: not used
  double worse_than = 0;      // from 3 quads on: end early when the ratio looks lower (95 %, one-sided); 0: not used
  // Seconds of samples on either side, and seconds of the clock since the first.
  bool Done(std::span<const double> log_ratios, double seconds_a, double seconds_b, double elapsed) const;
};
// 8 quads; early only when the candidate looks worse: slower than the baseline, or than `incumbent`, the speedup of the
// best so far (0: none).
StoppingRule CpuScreening(double incumbent = 0);
// 30 quads or 0.25 s, whichever is later, at most 1 s.
StoppingRule CudaScreening();
// Until the interval is 0.5 % wide, or 0.5 s a side and 24 quads; at most `most_seconds` (15 s shared by all shapes and
// processes). 24: with fewer, a 2 % slowdown at 1 % noise is missed more than 5 times of 100.
StoppingRule ConfirmationRule(double most_seconds);

// Median times of one shape, in any unit.
struct AloneTimes {
  double baseline_before = 0;  // alone, before the candidate ran
  double baseline_beside = 0;  // in the quads
  double baseline_after = 0;   // alone, after the candidate alone
  double candidate_beside = 0;
  double candidate_alone = 0;
};
// Whether candidate and baseline disturb each other: by more than 2 % of what the baseline took before.
bool AreDisturbed(double baseline_before, double baseline_beside);
// The factors, 1 among them, from the ratio beside each other to those of each alone. What the baseline takes alone
// lies between its times before and after; the candidate gets no credit for being faster alone.
Interval AloneFactors(const AloneTimes& times);

// The smallest true slowdown that a confirmation of `processes` with `quads` each finds at least 95 times of 100, as a
// relative difference (0.019: 1.9 %): minimum effect + half width + 1.645 standard errors. Fewer than 2 log ratios, or
// quads below 2: infinite.
double SmallestDifference(std::span<const double> log_ratios, int quads, int processes = 3);

double Median(std::vector<double> values);             // of nothing: 0
double GeometricMean(std::span<const double> values);  // of nothing: 1; positive values

}  // namespace kopt
