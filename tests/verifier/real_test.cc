#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <type_traits>

namespace {

constexpr double kMultiply = 0x1p-11, kAccumulate = 0x1p-24;

// The oracle's number type, as the generated program includes it.
inline constexpr double kopt_multiply_roundoff = kMultiply;
inline constexpr double kopt_accumulate_roundoff = kAccumulate;
#include "verifier/oracle/real.h"

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double Rounding(double u, double v) { return u * u * v * v / 3; }
void ExpectReal(real x, double v, double s) {
  EXPECT_DOUBLE_EQ(x.v, v);
  EXPECT_NEAR(x.s, s, 1e-12 * s);
}

TEST(Real, ProductsRoundWithMultiplyAndEverythingElseWithAccumulate) {
  ExpectReal(real(3.0) * real(5.0), 15, Rounding(kMultiply, 15));
  ExpectReal(real(3.0) + real(5.0), 8, Rounding(kAccumulate, 8));
  ExpectReal(real(3.0) - real(5.0), -2, Rounding(kAccumulate, 2));
  ExpectReal(real(3.0) / real(4.0), 0.75, Rounding(kAccumulate, 0.75));
  ExpectReal(sqrt(real(2.0)), std::sqrt(2.0), Rounding(kAccumulate, std::sqrt(2.0)));
  ExpectReal(fma(real(3.0), real(5.0), real(1.0)), 16, Rounding(kMultiply, 15) + Rounding(kAccumulate, 16));
}

TEST(Real, VariancesAreCarriedByFirstDerivatives) {
  const real a(3.0, 1e-6), b(5.0, 4e-6);
  ExpectReal(a + b, 8, 5e-6 + Rounding(kAccumulate, 8));
  ExpectReal(a - b, -2, 5e-6 + Rounding(kAccumulate, 2));
  ExpectReal(a * b, 15, 25e-6 + 36e-6 + 4e-12 + Rounding(kMultiply, 15));
  ExpectReal(a / b, 0.6, (1e-6 + 0.36 * 4e-6) / 25 + Rounding(kAccumulate, 0.6));
  ExpectReal(exp(a), std::exp(3.0), 1e-6 * std::exp(6.0) + Rounding(kAccumulate, std::exp(3.0)));
  ExpectReal(log(a), std::log(3.0), 1e-6 / 9 + Rounding(kAccumulate, std::log(3.0)));
  ExpectReal(pow(a, 2), 9, 36e-6 + Rounding(kAccumulate, 9));
}

// Every function against the difference quotient of its value.
TEST(Real, DerivativesAreThoseOfTheFunctions) {
  real (*const functions[])(real) = {exp,  exp2, expm1, log, log2, log10, log1p, sqrt, rsqrt, cbrt,  tanh, sinh,
                                     cosh, sin,  cos,   tan, asin, acos,  atan,  erf,  erfc,  asinh, atanh};
  const double x = 0.37, h = 1e-6, s = 1e-4;
  for (size_t i = 0; i < std::size(functions); ++i) {
    const auto f = functions[i];
    const double slope = (f(x + h).v - f(x - h).v) / (2 * h);
    EXPECT_NEAR(f(real(x, s)).s, s * slope * slope, 1e-7 * s) << "function " << i;
  }
  const double slope = (acosh(real(1.4 + h)).v - acosh(real(1.4 - h)).v) / (2 * h);
  EXPECT_NEAR(acosh(real(1.4, s)).s, s * slope * slope, 1e-7 * s);
  EXPECT_NEAR(atan2(real(1.0, s), real(2.0, s)).s, s * (4 + 1) / 25.0, 1e-9 * s);
  EXPECT_NEAR(hypot(real(3.0, s), real(4.0, s)).s, s, 1e-9 * s);
}

TEST(Real, CopiesSignsChoicesAndIntegersRoundNothing) {
  const real a(-2.5, 1e-6);
  EXPECT_EQ((-a).s, 1e-6);
  EXPECT_EQ(abs(a).s, 1e-6);
  EXPECT_EQ(fabs(a).v, 2.5);
  EXPECT_EQ(max(a, 1).v, 1);
  EXPECT_EQ(max(a, 1).s, 0);
  EXPECT_EQ(min(a, 1.0).s, 1e-6);
  EXPECT_EQ(select(true, a, 3).s, 1e-6);
  EXPECT_EQ(floor(a).v, -3);
  EXPECT_EQ(floor(a).s, 0);
  EXPECT_EQ(real(7LL).s, 0);
  EXPECT_EQ(static_cast<long long>(a), -2);
  EXPECT_TRUE(static_cast<bool>(a));
}

TEST(Real, MixesWithNumbersAndComparesByValue) {
  real a = 0.5;
  a += 1;
  a *= 2.0;
  a -= 1LL;
  a /= 2;
  EXPECT_EQ(a.v, 1);
  EXPECT_TRUE(a == 1 && a >= 1 && a < 2 && 0.5 < a && !(a != 1.0));
  EXPECT_EQ((1 - a).v, 0);
  EXPECT_EQ(max(3, 4LL), 4);
  EXPECT_EQ(min(2.5, 1), 1);
}

TEST(Real, ZeroWithVarianceTimesZeroWithVarianceIsNotExact) {
  EXPECT_GT((real(0.0, 1e-6) * real(0.0, 1e-6)).s, 0);
  EXPECT_EQ((real(0.0) * real(0.0)).s, 0);
}

TEST(Real, AtInfiniteDerivativesTheErrorStaysBounded) {
  EXPECT_EQ(sqrt(real(0.0)).s, 0);
  EXPECT_DOUBLE_EQ(sqrt(real(0.0, 1e-12)).s, 1e-6);
  EXPECT_DOUBLE_EQ(cbrt(real(0.0, 1e-12)).s, 1e-4);
  EXPECT_TRUE(std::isfinite(acos(real(1.0, 1e-12)).s));
  EXPECT_DOUBLE_EQ(pow(real(0.0, 1e-12), 0.5).s, 1e-6);
}

TEST(Real, ValuesFlowAsIeeeAndFiniteResultsHaveFiniteVariance) {
  const real infinite = real(-kInf) * real(0.125, 1e-6);
  EXPECT_EQ(infinite.v, -kInf);
  for (const real x : {exp(infinite), real(1.0, 1e-6) / infinite, tanh(infinite), atan(infinite), erfc(-infinite),
                       max(infinite, 2), rsqrt(-infinite), exp2(infinite)}) {
    EXPECT_TRUE(isfinite(x));
    EXPECT_TRUE(x.s >= 0 && std::isfinite(x.s)) << x.v;
  }
  EXPECT_EQ(exp(infinite).v, 0);
  EXPECT_EQ(exp(infinite).s, 0);
  EXPECT_TRUE(isnan(real(0.0) * real(kInf)));
  EXPECT_TRUE(isnan(real(kInf) - real(kInf)));
  EXPECT_TRUE(isinf(real(1.0) / real(0.0)));
  EXPECT_TRUE(signbit(real(-0.0)));
  EXPECT_EQ(max(real(kNan), 3).v, 3);
  EXPECT_EQ(fmin(3, real(kNan)).v, 3);
}

TEST(Real, StoredVariancesAreNeverNanOrInfinite) {
  EXPECT_EQ(kopt_settled(real(kInf, 1)), 0);
  EXPECT_EQ(kopt_settled(real(kNan, kNan)), 0);
  EXPECT_EQ(kopt_settled(real(1, kNan)), 0);
  EXPECT_EQ(kopt_settled(real(1, kInf)), std::numeric_limits<double>::max());
  EXPECT_EQ(kopt_settled(real(1, 0.5)), 0.5);
}

}  // namespace
