#include "agent/search/gaussian_process.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace kopt {
namespace {

double Matern(double distance) {
  const double r = std::sqrt(5.0) * distance;
  return (1 + r + r * r / 3) * std::exp(-r);
}

Observations Along(const std::vector<double>& inputs, double (*function)(double), double variance = 0) {
  Observations observations{.dimensions = 1};
  for (double input : inputs) observations.Add(std::span(&input, 1), function(input), variance);
  return observations;
}

double Wave(double x) { return std::sin(6 * x); }

TEST(GaussianProcessTest, TheLikelihoodOfTwoObservationsIsThatOfTheirNormalDistribution) {
  Observations observations{.dimensions = 2};
  observations.Add(std::vector{0.0, 0.0}, 0.7, 0.1);
  observations.Add(std::vector{0.3, 0.8}, -0.4, 0.2);
  const Hyperparameters hyperparameters{.lengths = {0.5, 2}, .amplitude = 1.5, .nugget = 0.05};
  const double a = 2.25 + 0.15, b = 2.25 + 0.25, c = 2.25 * Matern(std::hypot(0.3 / 0.5, 0.8 / 2));
  const double determinant = a * b - c * c;
  const double square = (b * 0.7 * 0.7 + 2 * c * 0.7 * 0.4 + a * 0.4 * 0.4) / determinant;
  const double expected = -0.5 * square - 0.5 * std::log(determinant) - std::log(2 * std::numbers::pi);
  EXPECT_NEAR(LogLikelihood(observations, hyperparameters), expected, 1e-12);
}

TEST(GaussianProcessTest, ThePosteriorOfOneObservationIsThatOfItsNormalDistribution) {
  Observations observations{.dimensions = 1};
  observations.Add(std::vector{0.5}, 2, 0.3);
  const Hyperparameters hyperparameters{.lengths = {0.4}, .amplitude = 2, .nugget = 0.1};
  const Posterior posterior(observations, hyperparameters, std::vector{0.5, 0.7});
  const double c = 4 * Matern(0.2 / 0.4);
  EXPECT_NEAR(posterior.Mean(0), 4 / 4.4 * 2, 1e-12);
  EXPECT_NEAR(posterior.Mean(1), c / 4.4 * 2, 1e-12);
  EXPECT_NEAR(posterior.Deviation(1), std::sqrt(4 - c * c / 4.4), 1e-12);
}

TEST(GaussianProcessTest, InterpolatesWhatHasNoNoise) {
  const Observations observations = Along({0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9}, Wave);
  const Hyperparameters hyperparameters{.lengths = {0.4}, .amplitude = 1, .nugget = 0};
  const Posterior posterior(observations, hyperparameters, std::vector{0.3, 0.9, 0.52, 30.0});
  EXPECT_NEAR(posterior.Mean(0), Wave(0.3), 1e-4);
  EXPECT_NEAR(posterior.Mean(1), Wave(0.9), 1e-4);
  EXPECT_NEAR(posterior.Mean(2), Wave(0.52), 0.05);
  EXPECT_LT(posterior.Deviation(0), 2e-3);
  EXPECT_GT(posterior.Deviation(2), posterior.Deviation(0));
  EXPECT_NEAR(posterior.Mean(3), 0, 1e-6);  // far from everything: what is known of nothing
  EXPECT_NEAR(posterior.Deviation(3), 1, 1e-6);
}

TEST(GaussianProcessTest, FitsALongLengthToWhatDoesNotMatter) {
  Observations observations{.dimensions = 2};
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) observations.Add(std::vector{i / 5.0, j / 5.0}, 1.5 * Wave(i / 5.0), 1e-4);
  }
  const Hyperparameters fitted = FitHyperparameters(observations);
  EXPECT_GT(fitted.lengths[1], 3 * fitted.lengths[0]);
  EXPECT_LT(fitted.nugget, 0.01);
  EXPECT_GT(LogLikelihood(observations, fitted),
            LogLikelihood(observations, {.lengths = {0.5, 0.5}, .amplitude = 1, .nugget = 0.01}));
}

TEST(GaussianProcessTest, FitsALargeNuggetToNoise) {
  Observations observations{.dimensions = 1};
  for (int i = 0; i < 40; ++i) observations.Add(std::vector{(i % 4) / 3.0}, i / 4 % 2 == 0 ? 1 : -1, 0);
  EXPECT_GT(FitHyperparameters(observations).nugget, 0.3);
}

TEST(GaussianProcessTest, FitsOneObservationAndEqualOnes) {
  const Observations one = Along({0.5}, Wave);
  const Observations equal = Along({0.5, 0.5, 0.5}, Wave);
  for (const Observations& observations : {one, equal}) {
    const Hyperparameters fitted = FitHyperparameters(observations);
    EXPECT_TRUE(std::isfinite(fitted.lengths[0]));
    const Posterior posterior(observations, fitted, std::vector{0.5, 0.6});
    EXPECT_TRUE(std::isfinite(posterior.Mean(1)));
    EXPECT_TRUE(std::isfinite(posterior.Deviation(1)));
  }
}

TEST(GaussianProcessTest, BelievingIsObservingTheMean) {
  Observations observations = Along({0, 0.3, 0.9}, Wave, 0.01);
  const Hyperparameters hyperparameters{.lengths = {0.4}, .amplitude = 1, .nugget = 0.02};
  const std::vector<double> inputs = {0.1, 0.5, 0.6, 1.0};
  Posterior believing(observations, hyperparameters, inputs);
  for (size_t chosen : {1, 3}) {
    const double mean = believing.Mean(chosen);
    believing.Believe(chosen);
    observations.Add(std::span(inputs).subspan(chosen, 1), mean, 0);
    const Posterior observing(observations, hyperparameters, inputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_NEAR(believing.Mean(i), observing.Mean(i), 1e-9);
      EXPECT_NEAR(believing.Deviation(i), observing.Deviation(i), 1e-9);
    }
  }
}

}  // namespace
}  // namespace kopt
