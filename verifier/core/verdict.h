// What the verifier found: exactly one outcome, with structured evidence.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kopt {

enum class Outcome {
  kRejected,  // the plan or the source breaks a rule; nothing was run
  kCompileError,
  kLaunchError,  // the plan cannot be bound or started at some shape
  kCrashed,      // a fault, an abort, an early end
  kTimeout,      // at compile, load or run
  kMismatch,     // an output is wrong
  kUnsafe,       // it did what a candidate must not do
  kQuarantined,  // faster than the hardware can be; not believed
  kMeasured,     // correct, and timed
};
std::string_view Name(Outcome outcome);
std::optional<Outcome> ParseOutcome(std::string_view name);

enum class Stage { kParse, kScreen, kCompile, kLoad, kCheck, kMeasure, kProfile };
std::string_view Name(Stage stage);
std::optional<Stage> ParseStage(std::string_view name);

struct Interval {
  double low = 0, high = 0;
};

// One quad, ABBA or BAAB in time: seconds per call of each batch, empty batch already subtracted; 1 before 2.
struct Quad {
  double a1 = 0, b1 = 0, b2 = 0, a2 = 0;
};

// The samples of one shape in one process pair.
struct ShapeSamples {
  int shape = 0;                    // index among the scored shapes
  int process = 0;                  // 0 in screening; 0, 1, 2 in confirmation
  int calls_a = 0, calls_b = 0;     // calls per batch
  double empty_a = 0, empty_b = 0;  // seconds: what was taken off a batch
  std::vector<Quad> quads;
};

struct Verdict {
  Outcome outcome = Outcome::kRejected;
  Stage stage = Stage::kParse;
  std::string reason;                          // one sentence; empty for measured
  std::string remark;                          // "" or "noisy"; measured only: then speedup is empty
  std::optional<double> time_us, baseline_us;  // geometric mean over scored shapes
  std::optional<double> speedup;
  std::optional<Interval> speedup_interval;  // two-sided 99 %
  std::optional<double> sol_fraction;
  std::optional<double> coverage;
  bool confirmed = false;  // these figures come from confirmation
  nlohmann::ordered_json evidence = nlohmann::ordered_json::object();
  std::vector<ShapeSamples> samples;
  // By scored shape, where candidate and baseline disturb each other: the factors, 1 among them, between which the
  // speedup of each alone lies beside what the samples say. Widens the interval; the speedup is the lowest of them.
  std::map<int, Interval> alone;
  std::vector<std::pair<std::string, double>> stage_seconds;  // cost by stage, in order

  bool correct() const { return outcome == Outcome::kMeasured; }
  // The document of `verify --json`: kopt (format 1), outcome, correct, reason, time_us, baseline_us, speedup,
  // speedup_interval ([low, high]), sol_fraction, coverage, evidence, stage (where it ended), remark, confirmed,
  // seconds (by stage). What is not known is null, and so is a number that is not finite, wherever it stands.
  nlohmann::ordered_json Json() const;
};

}  // namespace kopt
