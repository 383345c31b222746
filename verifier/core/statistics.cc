#include "verifier/core/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace kopt {
namespace {

constexpr double kNormalQuantile = 2.5758293;  // 99.5 %
constexpr double kOutlier = 5;                 // scaled MAD
constexpr double kLeastOutlier = 0.005;        // a quad this close to the median is never disturbed
constexpr double kMadScale = 1.4826;           // MAD of a normal distribution to its standard deviation
constexpr double kMostDropped = 0.25;          // of all quads of a verdict
constexpr size_t kLeastToDrop = 8;             // quads: with fewer, their median deviation says little
constexpr int kBlocksFrom = 20;

// Student's t, 99.5 %, for 1 to 30 degrees of freedom.
constexpr std::array<double, 30> kStudent = {63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169,
                                             3.106,  3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845,
                                             2.831,  2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750};

// The same at 95 %, which is the one-sided 95 %, for 2 to 7.
constexpr std::array<double, 8> kOneSided = {0, 0, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895};

// Between table entries linear in 1 / degrees; above them the Cornish-Fisher expansion (error below 0.001).
double StudentQuantile(double degrees) {
  if (!(degrees > 1)) return kStudent[0];
  if (degrees >= 30) {
    const double z = kNormalQuantile, z3 = z * z * z, z5 = z3 * z * z;
    return z + (z3 + z) / (4 * degrees) + (5 * z5 + 16 * z3 + 3 * z) / (96 * degrees * degrees);
  }
  const int below = static_cast<int>(degrees);
  const double part = (1.0 / below - 1 / degrees) / (1.0 / below - 1.0 / (below + 1));
  return std::lerp(kStudent[below - 1], kStudent[below], part);
}

// 99 % quantile of F with (numerator, degrees): the closed form for 2, scaled by the chi-square quantile (Wilson and
// Hilferty) for other numerators.
double DisagreementQuantile(int numerator, double degrees) {
  const double for_two = degrees / 2 * (std::pow(0.01, -2 / degrees) - 1);
  const auto chi = [](double n) { return std::pow(1 - 2 / (9 * n) + 2.3263 * std::sqrt(2 / (9 * n)), 3); };
  return for_two * chi(numerator) / chi(2);
}

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Variance(std::span<const double> values) {
  const double mean = Mean(values);
  double sum = 0;
  for (double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size() - 1);
}

// Variance of the mean by the n circular blocks of length b, unbiased for independent values.
double BlockVariance(std::span<const double> values, size_t b) {
  const size_t n = values.size();
  const double mean = Mean(values);
  double sum = 0;
  for (size_t start = 0; start < n; ++start) {
    double block = 0;
    for (size_t i = 0; i < b; ++i) block += values[(start + i) % n] - mean;
    sum += block * block / static_cast<double>(b * b);
  }
  const double share = static_cast<double>(b) / static_cast<double>(n);
  return sum / static_cast<double>(n) * share / (1 - share);
}

Estimate MakeEstimate(double mean, double deviation, double degrees, int quads) {
  const double half = StudentQuantile(degrees) * deviation;
  return {std::exp(mean), {std::exp(mean - half), std::exp(mean + half)}, quads, deviation, degrees};
}

// Degrees of freedom of a sum of variances v_i with d_i each.
double Satterthwaite(std::span<const Estimate> parts) {
  double sum = 0, squares = 0;
  for (const Estimate& part : parts) {
    const double variance = part.deviation * part.deviation;
    sum += variance;
    squares += variance * variance / part.degrees;
  }
  return squares > 0 ? sum * sum / squares : std::numeric_limits<double>::max();
}

double SumOfVariances(std::span<const Estimate> parts) {
  double sum = 0;
  for (const Estimate& part : parts) sum += part.deviation * part.deviation;
  return sum;
}

int SumOfQuads(std::span<const Estimate> parts) {
  int sum = 0;
  for (const Estimate& part : parts) sum += part.quads;
  return sum;
}

std::vector<double> Logs(std::span<const Estimate> parts) {
  std::vector<double> logs;
  for (const Estimate& part : parts) logs.push_back(std::log(part.speedup));
  return logs;
}

void Widen(Interval& interval, double low, double high) {
  interval.low = std::min(interval.low, low);
  interval.high = std::max(interval.high, high);
}

bool Positive(double seconds) { return std::isfinite(seconds) && seconds > 0; }

// Marks values further from their median than the outlier limit, and those that are not finite. A small sample's MAD is
// often far too small: at 8 quads the limit is half as wide again.
void MarkOutliers(const std::vector<double>& values, std::vector<bool>& marked) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  const double median = Median(finite);
  for (double& value : finite) value = std::abs(value - median);
  const double small_sample = 1 + 4.0 / static_cast<double>(values.size());
  const double limit = finite.size() < kLeastToDrop
                           ? std::numeric_limits<double>::infinity()
                           : std::max(kOutlier * small_sample * kMadScale * Median(finite), kLeastOutlier);
  for (size_t i = 0; i < values.size(); ++i) marked[i] = marked[i] || !(std::abs(values[i] - median) <= limit);
}

std::vector<double> LogRatios(std::span<const Quad> quads) {
  std::vector<double> ratios;
  for (const Quad& quad : quads) ratios.push_back(LogRatio(quad));
  return ratios;
}

// log(x1 / x2) for both sides of every quad; NaN where a time is not positive.
struct SideDifferences {
  std::vector<double> a, b;
};
SideDifferences DifferencesWithin(std::span<const Quad> quads) {
  SideDifferences differences;
  for (const Quad& quad : quads) {
    const bool usable = std::isfinite(LogRatio(quad));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    differences.a.push_back(usable ? std::log(quad.a1 / quad.a2) : nan);
    differences.b.push_back(usable ? std::log(quad.b1 / quad.b2) : nan);
  }
  return differences;
}

// Estimates by process, in each one a shape; empty if a shape has too few quads or is noisy.
std::map<int, std::vector<Estimate>> EstimateSamples(std::span<const ShapeSamples> samples, Assessment& assessment) {
  std::map<int, std::vector<Estimate>> processes;
  bool complete = true;
  size_t total = 0;
  for (const ShapeSamples& sample : samples) {
    const auto kept = DropDisturbed(sample.quads);
    if (!kept) assessment.noisy = true;
    const std::vector<Quad>& quads = kept ? *kept : sample.quads;
    total += sample.quads.size();
    assessment.dropped += static_cast<int>(sample.quads.size() - quads.size());
    assessment.noise = std::max(assessment.noise, Noise(quads));
    auto estimate = EstimateRatio(LogRatios(quads));
    if (estimate && quads.size() < kBlocksFrom) {
      // A few quads may agree by luck. The differences within them tell the noise of a quad a second time.
      const double least = Noise(quads) / std::sqrt(static_cast<double>(quads.size()));
      const double deviation = std::max(estimate->deviation, least);
      estimate = MakeEstimate(std::log(estimate->speedup), deviation, estimate->degrees, estimate->quads);
    }
    if (estimate) processes[sample.process].push_back(*estimate);
    complete = complete && estimate;
  }
  const double most = std::max(1.0, kMostDropped * static_cast<double>(total));
  assessment.noisy = assessment.noisy || assessment.dropped > most;
  if (!complete || assessment.noisy) processes.clear();
  return processes;
}

}  // namespace

double LogRatio(const Quad& quad) {
  if (!Positive(quad.a1) || !Positive(quad.a2) || !Positive(quad.b1) || !Positive(quad.b2)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return 0.5 * (std::log(quad.b1) + std::log(quad.b2) - std::log(quad.a1) - std::log(quad.a2));
}

std::optional<Estimate> EstimateRatio(std::span<const double> log_ratios) {
  const size_t n = log_ratios.size();
  if (n < 2 || !std::all_of(log_ratios.begin(), log_ratios.end(), [](double r) { return std::isfinite(r); })) {
    return std::nullopt;
  }
  double variance = Variance(log_ratios) / static_cast<double>(n);
  double degrees = static_cast<double>(n - 1);
  if (n >= kBlocksFrom) {
    const auto block = static_cast<size_t>(std::lround(std::cbrt(static_cast<double>(n))));
    variance = std::max(variance, BlockVariance(log_ratios, block));
    degrees = 1.5 * (static_cast<double>(n) / static_cast<double>(block) - 1);
  }
  return MakeEstimate(Mean(log_ratios), std::sqrt(variance), degrees, static_cast<int>(n));
}

std::optional<Estimate> CombineShapes(std::span<const Estimate> shapes) {
  if (shapes.empty()) return std::nullopt;
  const double deviation = std::sqrt(SumOfVariances(shapes)) / static_cast<double>(shapes.size());
  return MakeEstimate(Mean(Logs(shapes)), deviation, Satterthwaite(shapes), SumOfQuads(shapes));
}

std::optional<Estimate> CombineProcesses(std::span<const Estimate> processes) {
  if (processes.empty()) return std::nullopt;
  const auto count = static_cast<double>(processes.size());
  const double within = SumOfVariances(processes) / count;
  const double variance = within + kProcessSpread * kProcessSpread;  // of one process's mean
  // The spread is a given number, so only the measured part of the variance is uncertain.
  const double degrees = within > 0 ? Satterthwaite(processes) * (variance / within) * (variance / within) : 1e9;
  const std::vector<double> means = Logs(processes);
  Estimate estimate = MakeEstimate(Mean(means), std::sqrt(variance / count), degrees, SumOfQuads(processes));
  for (const Estimate& process : processes) Widen(estimate.interval, process.speedup, process.speedup);
  const int between = static_cast<int>(processes.size()) - 1;
  if (between > 0 && Variance(means) > variance * DisagreementQuantile(between, degrees)) {
    for (const Estimate& process : processes) Widen(estimate.interval, process.interval.low, process.interval.high);
  }
  return estimate;
}

Comparative Judge(const Interval& interval) {
  const double above = 1 + kMinimumEffect, below = 1 / above;
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return Comparative::kCannotTell;
  if (interval.low > above) return Comparative::kFaster;
  if (interval.high < below) return Comparative::kSlower;
  if (interval.low >= below && interval.high <= above) return Comparative::kSame;
  return Comparative::kCannotTell;
}

std::string_view Name(Comparative comparative) {
  switch (comparative) {
    case Comparative::kFaster:
      return "faster";
    case Comparative::kSlower:
      return "slower";
    case Comparative::kSame:
      return "same";
    case Comparative::kCannotTell:
      break;
  }
  return "cannot tell";
}

std::optional<std::vector<Quad>> DropDisturbed(std::span<const Quad> quads) {
  const auto more_than = [&](const std::vector<bool>& some, size_t part) {
    return static_cast<size_t>(std::ranges::count(some, true)) > std::max<size_t>(1, quads.size() / part);
  };
  const SideDifferences differences = DifferencesWithin(quads);
  std::vector<bool> marked(quads.size());
  MarkOutliers(LogRatios(quads), marked);
  for (const auto& side : {differences.a, differences.b}) {
    std::vector<bool> restless(quads.size());
    MarkOutliers(side, restless);
    if (more_than(restless, 3)) return std::nullopt;
    for (size_t i = 0; i < quads.size(); ++i) marked[i] = marked[i] || restless[i];
  }
  if (more_than(marked, 2)) return std::nullopt;
  std::vector<Quad> kept;
  for (size_t i = 0; i < quads.size(); ++i) {
    if (!marked[i]) kept.push_back(quads[i]);
  }
  return kept;
}

double Noise(std::span<const Quad> quads) {
  std::vector<Quad> usable;
  std::copy_if(quads.begin(), quads.end(), std::back_inserter(usable),
               [](const Quad& quad) { return std::isfinite(LogRatio(quad)); });
  if (usable.size() < 2) return 0;
  const SideDifferences differences = DifferencesWithin(usable);
  return std::sqrt((Variance(differences.a) + Variance(differences.b)) / 4);
}

Assessment Assess(std::span<const ShapeSamples> samples) {
  Assessment assessment;
  std::vector<Estimate> combined;
  const auto processes = EstimateSamples(samples, assessment);
  for (const auto& [process, shapes] : processes) {
    if (shapes.size() != processes.begin()->second.size()) return assessment;
    combined.push_back(*CombineShapes(shapes));
  }
  assessment.estimate = CombineProcesses(combined);
  return assessment;
}

// Below `speedup`, as far as a one-sided 95 % goes: enough to spend no more time on it, too little to say so.
static bool LooksWorse(const Estimate& estimate, double speedup) {
  const auto degrees = static_cast<size_t>(std::clamp(estimate.degrees, 2.0, kOneSided.size() - 1.0));
  return estimate.speedup * std::exp(kOneSided[degrees] * estimate.deviation) < speedup;
}

bool StoppingRule::Done(std::span<const double> log_ratios, double seconds_a, double seconds_b, double elapsed) const {
  const auto n = static_cast<int>(log_ratios.size());
  const auto estimate = EstimateRatio(log_ratios);
  if (n >= 3 && most_seconds > 0 && elapsed >= most_seconds) return true;
  if (n >= 3 && estimate && LooksWorse(*estimate, worse_than)) return true;
  if (n < least_quads || elapsed < least_seconds) return false;
  if (relative_width <= 0 && seconds_a_side <= 0) return true;
  if (relative_width > 0 && estimate && estimate->interval.high - estimate->interval.low <= relative_width) return true;
  return seconds_a_side > 0 && n >= timed_quads && std::min(seconds_a, seconds_b) >= seconds_a_side;
}

StoppingRule CpuScreening(double incumbent) {
  return {.least_quads = 8, .worse_than = std::max(incumbent, 1 / (1 + kMinimumEffect))};
}

StoppingRule CudaScreening() { return {.least_quads = 30, .least_seconds = 0.25, .most_seconds = 1}; }

StoppingRule ConfirmationRule(double most_seconds) {
  return {.least_quads = 8,
          .relative_width = 0.005,
          .seconds_a_side = 0.5,
          .timed_quads = 24,
          .most_seconds = most_seconds};
}

bool AreDisturbed(double baseline_before, double baseline_beside) {
  constexpr double kMost = 0.02;
  return !(std::abs(baseline_beside / baseline_before - 1) <= kMost);
}

Interval AloneFactors(const AloneTimes& times) {
  const double candidate = std::max(times.candidate_beside, times.candidate_alone);
  Interval factors{1, 1};
  for (const double baseline : {times.baseline_before, times.baseline_after}) {
    const double factor = baseline / candidate / (times.baseline_beside / times.candidate_beside);
    Widen(factors, factor, factor);
  }
  return factors;
}

double SmallestDifference(std::span<const double> log_ratios, int quads, int processes) {
  if (log_ratios.size() < 2 || quads < 2 || processes < 1) return std::numeric_limits<double>::infinity();
  const double within = Variance(log_ratios) / quads;
  const double variance = within + kProcessSpread * kProcessSpread;
  const double degrees = within > 0 ? processes * (quads - 1.0) * (variance / within) * (variance / within) : 1e9;
  const double reach = (StudentQuantile(degrees) + 1.645) * std::sqrt(variance / processes);
  return (1 + kMinimumEffect) * std::exp(reach) - 1;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double GeometricMean(std::span<const double> values) {
  if (values.empty()) return 1;
  double sum = 0;
  for (double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

}  // namespace kopt
