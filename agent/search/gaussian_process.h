// Gaussian process regression with a Matern 5/2 kernel and one length scale for each dimension; Rasmussen and Williams,
// "Gaussian Processes for Machine Learning", 2006: the likelihood is (2.30), the predictions are (2.25) and (2.26).
// The process has mean 0: hand in values from which theirs was subtracted, scaled to a standard deviation near 1, and
// inputs in [0, 1], for which the priors of the hyperparameters are meant.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace kopt {

struct Observations {
  size_t dimensions = 0;
  std::vector<double> inputs;     // one observation after the other, `dimensions` each
  std::vector<double> values;     // one for each
  std::vector<double> variances;  // of the noise as far as it is known, one for each

  size_t size() const { return values.size(); }
  void Add(std::span<const double> input, double value, double variance);
};

struct Hyperparameters {
  std::vector<double> lengths;  // one for each dimension
  double amplitude = 1;         // standard deviation of the process
  double nugget = 0.01;         // variance of noise beyond what is known
};

double LogLikelihood(const Observations& observations, const Hyperparameters& hyperparameters);

// The most probable hyperparameters under weak log-normal priors: steps by the gradient's sign (Rprop), always the same
// number of them from the same place.
Hyperparameters FitHyperparameters(const Observations& observations);

// The posterior at `inputs`, of the process without noise.
class Posterior {
 public:
  Posterior(const Observations& observations, const Hyperparameters& hyperparameters, std::span<const double> inputs);
  Posterior(Posterior&&) noexcept;
  ~Posterior();

  size_t size() const;
  double Mean(size_t index) const;
  double Deviation(size_t index) const;
  // As if the value at the input `index` had been observed and were the one expected (the kriging believer:
  // Ginsbourger, Le Riche and Carraro, 2010): means stay, deviations shrink around it.
  void Believe(size_t index);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kopt
