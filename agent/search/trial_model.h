// What trials say about points that were not tried: two Gaussian processes, one of log(speedup), one of whether the
// trials were correct (least squares classification: Rasmussen and Williams, 2006, 6.5). A point is worth its expected
// improvement (Jones, Schonlau and Welch, 1998) times its probability of being correct; as in Willemsen, van Nieuwpoort
// and van Werkhoven, "Bayesian optimization for auto-tuning GPU kernels", 2021.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace kopt {

struct EncodedTrial {
  std::vector<double> at;  // on [0, 1], one coordinate for each dimension; one dimension at least
  bool correct = false;
  std::optional<double> log_speedup;  // finite
  double deviation = 0;               // standard error of log_speedup; 0: not known
  bool pending = false;               // being tried; without log_speedup
};

// The probability of being correct at each of `inputs` (points one after the other), given one trial at least.
std::vector<double> ChancesOfCorrect(const std::vector<EncodedTrial>& trials, std::span<const double> inputs);

// Indices of up to `n` of `inputs`, the best first. Each is chosen as if those before, and the trials that are pending,
// had been measured as expected. `chances`: of being correct, one for each input. One trial at least has a speedup.
std::vector<size_t> MostPromising(const std::vector<EncodedTrial>& trials, std::span<const double> inputs,
                                  std::span<const double> chances, size_t n);

}  // namespace kopt
