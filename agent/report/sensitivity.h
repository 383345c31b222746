// What each tunable does, as far as the configurations that were tried can tell.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/progress.h"
#include "task/candidate.h"
#include "verifier/core/verdict.h"

namespace kopt {

// A configuration that was tried.
struct Tried {
  Configuration configuration;
  Outcome outcome = Outcome::kMeasured;
  std::optional<double> speedup;  // measured ones, unless noisy
};

// One value of a tunable.
struct ValueEffect {
  long long value = 0;
  bool chosen = false;         // the best configuration has it
  int measured = 0;            // trials with a speedup
  OutcomeCounts others;        // trials without; `measured`: noisy ones
  std::optional<double> best;  // speedup of the fastest trial with it
  // The trial that differs from the best one in this tunable alone: its speedup relative to the best one's, minus 1; or
  // how it ended. Neither: it was not tried.
  std::optional<double> change;
  std::optional<Outcome> failed;
  int tried() const;
};

struct TunableEffect {
  std::string name;
  std::vector<ValueEffect> values;  // the least first
  double loss = 0;                  // of the value with the slowest best, see Loss
};

// What the best trial with a value lacks: 0.1 where it reaches 90 % of the fastest trial's speedup. Nothing if none was
// measured.
std::optional<double> Loss(const ValueEffect& effect, double fastest);

struct Sensitivity {
  double fastest = 0;                   // speedup of the fastest trial
  std::vector<TunableEffect> tunables;  // with more than one value; the largest loss first
};

// `best`: the configuration to change one tunable of; it should be one of the trials. No tunables if there are none
// with more than one value, or if nothing was measured.
Sensitivity SensitivityOf(const std::vector<Tunable>& tunables, const std::vector<Tried>& trials,
                          const Configuration& best);

}  // namespace kopt
