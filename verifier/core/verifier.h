// A verifier of one task on one device: candidate in, verdict out. One implementation per target.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "task/candidate.h"
#include "task/spec.h"
#include "verifier/core/example.h"
#include "verifier/core/verdict.h"

namespace kopt {

// One row of the power table: what was handed in for an output, and whether the check refused it as it must.
struct PowerRow {
  int shape = 0;  // index among the scored shapes of the target
  std::string output;
  std::string attempt;  // "zero", "a constant", "another input set's answer", "a copy of `x`", "the answer before `x`
                        // was redrawn"
  bool refused = false;
  bool required = true;  // false: shown only (identity; a redraw another output caught; an input that never varies)
  std::string detail;    // the comparison's figures
};

// The tolerance at a scored shape, in figures.
struct ToleranceRow {
  int shape = 0;
  std::string output;
  double rms_value = 0;         // of the truth
  double median_deviation = 0;  // one standard deviation, absolute
  double median_largest = 0;    // the largest error that is admissible, absolute
};

// What registration found out about a spec.
struct Registration {
  std::vector<PowerRow> power;
  std::vector<ToleranceRow> tolerance;
  std::vector<double> oracle_seconds;  // per scored shape: one full run for one input set
};

// The device's measured peaks; 0: not measured.
struct Peaks {
  double read_bytes = 0, write_bytes = 0, copy_bytes = 0;  // per second
  std::vector<std::pair<std::string, double>> flops;       // per [work] unit: operations per second
  double Flops(std::string_view unit) const;
  bool operator==(const Peaks&) const = default;
};

struct Device {
  std::string name;  // "Intel(R) Xeon(R) Processor, 2 threads"
  // Which of several it is: its number, and its name that stays, "1 (GPU-5c1e...)". Empty: there is only one.
  std::string which;
  Values values;  // what plan expressions may name: THREADS
  // What else decides a verdict here, for the manifest: compiler, flags, operating system, hash of the worker.
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();
};

struct VerifierOptions {
  bool sandbox = true;                           // false: --unsafe-no-sandbox
  Peaks peaks;                                   // for speed of light; zeros: no fraction, no quarantine
  const std::atomic<int>* interrupts = nullptr;  // number of SIGINT and SIGTERM so far; work ends early when it grows
  std::filesystem::path cache;                   // folder for compiled objects and truths; empty: a temporary one
  int device = 0;                                // its number, on a target that may have several
};

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// A candidate with its tunables bound.
struct Contender {
  const Candidate* candidate = nullptr;
  Configuration configuration;
};

// What a screening may know of the search that it is part of.
struct Screening {
  double incumbent = 0;              // speedup of the best so far: timing ends early below it; 0: none
  double profile_from = kNoLimit;    // a speedup from which on a profile is taken, where the target has one
  std::span<const Contender> ahead;  // probably asked for next: these may be compiled along
};

struct Confirmation {
  double seconds = kNoLimit;     // fewer samples where the whole would take longer (the least number may still do)
  std::optional<uint64_t> seed;  // of every input set: repeats those of an earlier one; nothing: drawn in secret
};

// Several candidates timed side by side.
struct SideBySide {
  std::vector<Verdict> verdicts;  // of each: without a ratio
  // Of the first against the second, by the numbers of the contenders; only of those that are right.
  std::map<std::pair<size_t, size_t>, std::vector<ShapeSamples>> pairs;
};

// A candidate as a device runs it, and what its compiler was given.
struct DeviceCode {
  std::string architecture;           // "sm_90a"
  std::string compiler;               // "NVRTC 13.0"
  std::vector<std::string> flags;     // without the folders of the toolkit's headers
  std::string prefix;                 // text in front of the generated header
  std::vector<std::string> binaries;  // one for each shape that was asked for, in their order
};

class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual const Device& device() const = 0;
  // Those of the options, or better ones that were seen since.
  virtual const Peaks& peaks() const = 0;
  // Compiles the oracle, checks the spec's power on every scored shape. A spec that fails is a usage error (exit 2).
  virtual Result<Registration> Register() = 0;
  // Judges the baseline like any candidate (without a ratio). Later verdicts are relative to it. If its verdict is not
  // `measured`, the baseline is unchanged.
  virtual Result<Verdict> SetBaseline(const Candidate& candidate, const Configuration& configuration) = 0;
  // Adds to the baseline's verdict what bounds it, where the target has profiles.
  virtual Result<void> ProfileBaseline(Verdict& /*verdict*/) { return {}; }
  // Full correctness, short timing. The errors of this and of Confirm are ours (exit 3, 4, 130), never the candidate's.
  virtual Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                                 const Screening& screening) = 0;
  // Three fresh processes, unused seeds, all shapes, A/B again. The evidence holds the seed ("input_seed").
  virtual Result<Verdict> Confirm(const Candidate& candidate, const Configuration& configuration,
                                  const Confirmation& how) = 0;
  // Like Confirm for several at once, without a baseline: in each round every candidate is timed once in their order
  // and once in the reverse, so that each pair has its quads under the same drift. One that is not right is left out.
  virtual Result<SideBySide> Compare(std::span<const Contender> contenders, double seconds) = 0;
  // A new input set of a shape of the spec, with its right answers.
  virtual Result<Example> DrawExample(const Shape& shape) = 0;
  // What is judged at these shapes, compiled for the device. Only on targets whose candidates are code for a device.
  virtual Result<DeviceCode> Compile(const Candidate&, const Configuration&, const std::vector<const Shape*>&) {
    return InternalError("candidates of this target are no code for a device");
  }
};

}  // namespace kopt
