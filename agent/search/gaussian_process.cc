#include "agent/search/gaussian_process.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace kopt {
namespace {

using Eigen::ArrayXd;
using Eigen::ArrayXXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using InputMap = Eigen::Map<const ArrayXXd>;  // a column for each input

// Priors: the logarithm of each hyperparameter is normal with this mean and standard deviation.
struct Prior {
  double mean = 0, deviation = 1;
};
constexpr Prior kAmplitude = {.mean = 0, .deviation = 0.5};
constexpr Prior kNugget = {.mean = -6, .deviation = 1.5};  // 0.0025
// Times the square root of the number of dimensions: so is the distance of two random points (Hvarfner, Hellsten and
// Nardi, 2024).
constexpr Prior kLength = {.mean = -1, .deviation = 1};

// With this at least the covariance has a Cholesky factor, whatever was observed twice.
constexpr double kLeastNugget = 1e-6;

// Rprop (Riedmiller and Braun, 1993), in logarithms of hyperparameters.
constexpr int kSteps = 12;
constexpr double kFirstStep = 0.4, kLeastStep = 0.01, kMostStep = 1;
constexpr double kGrow = 1.2, kShrink = 0.5;

InputMap AsMap(std::span<const double> inputs, size_t dimensions) {
  const size_t count = dimensions == 0 ? 0 : inputs.size() / dimensions;
  return {inputs.data(), static_cast<Index>(dimensions), static_cast<Index>(count)};
}

// Matern 5/2 of squared distances, amplitude 1.
ArrayXXd Matern(const ArrayXXd& squares) {
  const ArrayXXd r = (5 * squares).sqrt();
  return (1 + r + r.square() / 3) * (-r).exp();
}

// Squared differences of all pairs in each dimension.
std::vector<ArrayXXd> PairSquares(const InputMap& inputs) {
  std::vector<ArrayXXd> squares;
  for (Index d = 0; d < inputs.rows(); ++d) {
    const ArrayXd x = inputs.row(d).transpose();
    squares.emplace_back((x.replicate(1, x.size()) - x.transpose().replicate(x.size(), 1)).square());
  }
  return squares;
}

ArrayXd Noise(const Observations& observations, double nugget) {
  const Eigen::Map<const ArrayXd> known(observations.variances.data(), static_cast<Index>(observations.size()));
  return known + std::max(nugget, kLeastNugget);
}

// The likelihood, times the priors, as a function of the logarithms of the hyperparameters: lengths, amplitude, nugget.
class Objective {
 public:
  explicit Objective(const Observations& observations)
      : observations_(observations),
        squares_(PairSquares(AsMap(observations.inputs, observations.dimensions))),
        values_(Eigen::Map<const VectorXd>(observations.values.data(), static_cast<Index>(observations.size()))) {}

  Index size() const { return static_cast<Index>(squares_.size()) + 2; }

  double Likelihood(const VectorXd& logs, VectorXd& gradient) const {
    const Index n = values_.size(), d = size() - 2;
    const double power = std::exp(2 * logs[d]), nugget = std::exp(logs[d + 1]);
    ArrayXXd distance = ArrayXXd::Zero(n, n);
    for (Index i = 0; i < d; ++i) distance += squares_[static_cast<size_t>(i)] * std::exp(-2 * logs[i]);
    const ArrayXXd r = (5 * distance).sqrt();
    const ArrayXXd decay = power * (-r).exp();
    MatrixXd covariance = ((1 + r + r.square() / 3) * decay).matrix();
    const MatrixXd process = covariance;
    covariance.diagonal() += Noise(observations_, nugget).matrix();
    const Eigen::LLT<MatrixXd> factor(covariance);
    if (factor.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
    const VectorXd alpha = factor.solve(values_);
    const MatrixXd inverse = factor.solve(MatrixXd::Identity(n, n));
    // d likelihood / d K, by (5.9) of the book
    const ArrayXXd slope = 0.5 * (alpha * alpha.transpose() - inverse).array();
    const ArrayXXd by_length = slope * (5.0 / 3) * (1 + r) * decay;
    for (Index i = 0; i < d; ++i)
      gradient[i] = (by_length * squares_[static_cast<size_t>(i)]).sum() * std::exp(-2 * logs[i]);
    gradient[d] = 2 * (slope * process.array()).sum();
    gradient[d + 1] = nugget * slope.matrix().trace();
    const double log_determinant = 2 * factor.matrixLLT().diagonal().array().log().sum();
    return -0.5 * (values_.dot(alpha) + log_determinant + static_cast<double>(n) * std::log(2 * std::numbers::pi));
  }

  double Posterior(const VectorXd& logs, VectorXd& gradient) const {
    double value = Likelihood(logs, gradient);
    for (Index i = 0; i < size(); ++i) {
      const Prior prior = PriorOf(i);
      const double off = (logs[i] - prior.mean) / prior.deviation;
      value -= 0.5 * off * off;
      gradient[i] -= off / prior.deviation;
    }
    return value;
  }

  Prior PriorOf(Index i) const {
    const Index d = size() - 2;
    if (i == d) return kAmplitude;
    if (i == d + 1) return kNugget;
    return {.mean = kLength.mean + 0.5 * std::log(static_cast<double>(d)), .deviation = kLength.deviation};
  }

 private:
  const Observations& observations_;
  std::vector<ArrayXXd> squares_;
  VectorXd values_;
};

VectorXd Logs(const Hyperparameters& hyperparameters) {
  const auto d = static_cast<Index>(hyperparameters.lengths.size());
  VectorXd logs(d + 2);
  for (Index i = 0; i < d; ++i) logs[i] = std::log(hyperparameters.lengths[static_cast<size_t>(i)]);
  logs[d] = std::log(hyperparameters.amplitude);
  logs[d + 1] = std::log(std::max(hyperparameters.nugget, kLeastNugget));
  return logs;
}

Hyperparameters FromLogs(const VectorXd& logs) {
  Hyperparameters hyperparameters;
  const Index d = logs.size() - 2;
  for (Index i = 0; i < d; ++i) hyperparameters.lengths.push_back(std::exp(logs[i]));
  hyperparameters.amplitude = std::exp(logs[d]);
  hyperparameters.nugget = std::exp(logs[d + 1]);
  return hyperparameters;
}

}  // namespace

void Observations::Add(std::span<const double> input, double value, double variance) {
  inputs.insert(inputs.end(), input.begin(), input.end());
  values.push_back(value);
  variances.push_back(variance);
}

double LogLikelihood(const Observations& observations, const Hyperparameters& hyperparameters) {
  const Objective objective(observations);
  VectorXd gradient(objective.size());
  return objective.Likelihood(Logs(hyperparameters), gradient);
}

Hyperparameters FitHyperparameters(const Observations& observations) {
  const Objective objective(observations);
  VectorXd logs(objective.size()), gradient(objective.size());
  for (Index i = 0; i < logs.size(); ++i) logs[i] = objective.PriorOf(i).mean;
  VectorXd best = logs, before = VectorXd::Zero(logs.size()), step = VectorXd::Constant(logs.size(), kFirstStep);
  double highest = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < kSteps; ++i) {
    const double value = objective.Posterior(logs, gradient);
    if (!std::isfinite(value)) break;
    if (value > highest) {
      highest = value;
      best = logs;
    }
    for (Index j = 0; j < logs.size(); ++j) {
      const double turn = gradient[j] * before[j];
      if (turn != 0) step[j] = std::clamp(step[j] * (turn > 0 ? kGrow : kShrink), kLeastStep, kMostStep);
      logs[j] += gradient[j] > 0 ? step[j] : -step[j];
    }
    before = gradient;
  }
  return FromLogs(best);
}

struct Posterior::Impl {
  ArrayXXd kernel_inputs;  // scaled by the lengths: a row for each input
  double power = 1, nugget = 0;
  VectorXd mean;
  ArrayXd variance;
  MatrixXd whitened;  // covariances with the observations times the inverse Cholesky factor: a row for each input
  std::vector<VectorXd> believed;  // the column that each believed value adds to it
};

Posterior::Posterior(const Observations& observations, const Hyperparameters& hyperparameters,
                     std::span<const double> inputs)
    : impl_(std::make_unique<Impl>()) {
  const InputMap observed = AsMap(observations.inputs, observations.dimensions);
  const InputMap wanted = AsMap(inputs, observations.dimensions);
  const Eigen::Map<const ArrayXd> lengths(hyperparameters.lengths.data(), observed.rows());
  const auto n = static_cast<Index>(observations.size());
  impl_->power = hyperparameters.amplitude * hyperparameters.amplitude;
  impl_->nugget = std::max(hyperparameters.nugget, kLeastNugget);
  impl_->kernel_inputs = (wanted.colwise() / lengths).transpose();
  const ArrayXXd anchors = observed.colwise() / lengths;
  const auto covariances = [&](const ArrayXXd& rows) {
    ArrayXXd squares = ArrayXXd::Zero(rows.rows(), n);
    for (Index i = 0; i < n; ++i) {
      for (Index d = 0; d < anchors.rows(); ++d) squares.col(i) += (rows.col(d) - anchors(d, i)).square();
    }
    return MatrixXd((impl_->power * Matern(squares)).matrix());
  };
  MatrixXd covariance = covariances(anchors.transpose());
  covariance.diagonal() += Noise(observations, hyperparameters.nugget).matrix();
  const Eigen::LLT<MatrixXd> factor(covariance);
  const Eigen::Map<const VectorXd> values(observations.values.data(), n);
  impl_->whitened = covariances(impl_->kernel_inputs);
  impl_->mean = impl_->whitened * factor.solve(values);
  factor.matrixU().solveInPlace<Eigen::OnTheRight>(impl_->whitened);
  impl_->variance = impl_->power - impl_->whitened.rowwise().squaredNorm().array();
}

Posterior::Posterior(Posterior&&) noexcept = default;
Posterior::~Posterior() = default;

size_t Posterior::size() const { return static_cast<size_t>(impl_->mean.size()); }
double Posterior::Mean(size_t index) const { return impl_->mean[static_cast<Index>(index)]; }
double Posterior::Deviation(size_t index) const {
  return std::sqrt(std::max(impl_->variance[static_cast<Index>(index)], 0.0));
}

void Posterior::Believe(size_t index) {
  Impl& at = *impl_;
  const auto chosen = static_cast<Index>(index);
  ArrayXd squares = ArrayXd::Zero(at.mean.size());
  for (Index d = 0; d < at.kernel_inputs.cols(); ++d)
    squares += (at.kernel_inputs.col(d) - at.kernel_inputs(chosen, d)).square();
  VectorXd covariance = (at.power * Matern(squares)).matrix();
  covariance -= at.whitened * at.whitened.row(chosen).transpose();
  for (const VectorXd& column : at.believed) covariance -= column * column[chosen];
  covariance /= std::sqrt(std::max(at.variance[chosen], 0.0) + at.nugget);
  at.variance -= covariance.array().square();
  at.believed.push_back(std::move(covariance));
}

}  // namespace kopt
