#include "task/expr.h"

#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <numbers>

namespace kopt {
namespace {

const Values kValues = {{"B", 4}, {"S", 7}, {"BM", 64}, {"big", LLONG_MAX}, {"small", LLONG_MIN}};

long long Int(std::string_view text) {
  auto expr = Expr::Parse(text);
  if (!expr) throw std::runtime_error(expr.error().message);
  auto value = expr->Int(kValues);
  if (!value) throw std::runtime_error(value.error().message);
  return *value;
}
double Real(std::string_view text) { return Expr::Parse(text).value().Real(kValues).value(); }

// "COLUMN: message; hint" of the error, whichever stage gives it.
std::string Problem(std::string_view text, bool real = false) {
  Error error;
  auto expr = Expr::Parse(text);
  if (!expr) {
    error = expr.error();
  } else if (real) {
    auto value = expr->Real(kValues);
    if (value) return "no error";
    error = value.error();
  } else {
    auto value = expr->Int(kValues);
    if (value) return "no error";
    error = value.error();
  }
  EXPECT_EQ(error.exit, Exit::kUsage);
  return fmt::format("{}: {}{}{}", error.column, error.message, error.hint.empty() ? "" : "; ", error.hint);
}

TEST(ExprTest, EvaluatesIntegersWithThePrecedenceOfC) {
  EXPECT_EQ(Int("1 + 2 * 3"), 7);
  EXPECT_EQ(Int("(1 + 2) * 3"), 9);
  EXPECT_EQ(Int("20 - 5 - 3"), 12);
  EXPECT_EQ(Int("-7 / 2"), -3);
  EXPECT_EQ(Int("-7 % 3"), -1);
  EXPECT_EQ(Int("B * S + BM"), 92);
  EXPECT_EQ(Int("1 + 1 == 2 && 3 < 4 || 0"), 1);
  EXPECT_EQ(Int("0 && 1 || 1"), 1);
  EXPECT_EQ(Int("!B + 1"), 1);
  EXPECT_EQ(Int("- -3"), 3);
  EXPECT_EQ(Int("B > 3 ? S : BM"), 7);
  EXPECT_EQ(Int("0 ? 1 : 0 ? 2 : 3"), 3);
  EXPECT_EQ(Int(" B\t>=\n4 "), 1);
  EXPECT_EQ(Int("B != S"), 1);
}

TEST(ExprTest, HasTheFunctionsOfPlans) {
  EXPECT_EQ(Int("min(B, S)"), 4);
  EXPECT_EQ(Int("max(B, S, BM)"), 64);
  EXPECT_EQ(Int("ceil_div(S, 2)"), 4);
  EXPECT_EQ(Int("ceil_div(8, 2)"), 4);
  EXPECT_EQ(Int("ceil_div(-7, 2)"), -3);
  EXPECT_EQ(Int("align(S, 4)"), 8);
  EXPECT_EQ(Int("align(8, 4)"), 8);
  EXPECT_EQ(Int("pow(2, 62)"), 1LL << 62);
  EXPECT_EQ(Int("pow(-1, 1000000000000000001)"), -1);
  EXPECT_EQ(Int("pow(0, 0)"), 1);
}

TEST(ExprTest, EvaluatesReals) {
  EXPECT_DOUBLE_EQ(Real("1 / sqrt(B)"), 0.5);
  EXPECT_DOUBLE_EQ(Real("7 / 2"), 3.5);
  EXPECT_DOUBLE_EQ(Real("1e-6 + .5"), 0.500001);
  EXPECT_DOUBLE_EQ(Real("2 * pi"), 2 * std::numbers::pi);
  EXPECT_DOUBLE_EQ(Real("exp(log(3)) + pow(2, 0.5)"), 3 + std::sqrt(2));
  EXPECT_DOUBLE_EQ(Real("min(1.5, 2) + max(1, 2.5)"), 4);
  EXPECT_DOUBLE_EQ(Real("ceil_div(7, 2)"), 4);
  EXPECT_DOUBLE_EQ(Real("S > 3 ? 0.25 : 1 / 0"), 0.25);
  EXPECT_DOUBLE_EQ(Real("5.5 % 2"), 1.5);
}

TEST(ExprTest, EvaluatesOnlyWhatItNeeds) {
  EXPECT_EQ(Int("0 && 1 / 0"), 0);
  EXPECT_EQ(Int("1 || 1 / 0"), 1);
  EXPECT_EQ(Int("1 ? 2 : 1 / 0"), 2);
}

TEST(ExprTest, RefusesWhatDoesNotFit64Bits) {
  EXPECT_EQ(Problem("1 + big"), "3: the result of `+` does not fit 64 bits");
  EXPECT_EQ(Problem("small - 1"), "7: the result of `-` does not fit 64 bits");
  EXPECT_EQ(Problem("big * 2"), "5: the result of `*` does not fit 64 bits");
  EXPECT_EQ(Problem("small / -1"), "7: the result of `/` does not fit 64 bits");
  EXPECT_EQ(Problem("small % -1"), "7: the result of `%` does not fit 64 bits");
  EXPECT_EQ(Problem("-small"), "1: the result of `-` does not fit 64 bits");
  EXPECT_EQ(Problem("pow(2, 63)"), "1: the result of `pow` does not fit 64 bits");
  EXPECT_EQ(Problem("align(big, 4)"), "1: the result of `align` does not fit 64 bits");
  EXPECT_EQ(Problem("9223372036854775808"), "1: the number 9223372036854775808 is too large");
}

TEST(ExprTest, RefusesWhatHasNoValue) {
  EXPECT_EQ(Problem("1 / (B - 4)"), "3: division by zero");
  EXPECT_EQ(Problem("1 % 0"), "3: division by zero");
  EXPECT_EQ(Problem("1.0 / 0", true), "5: division by zero");
  EXPECT_EQ(Problem("ceil_div(1, 0)"), "1: `ceil_div` needs a positive divisor, not 0");
  EXPECT_EQ(Problem("align(1, -4)"), "1: `align` needs a positive divisor, not -4");
  EXPECT_EQ(Problem("pow(2, -1)"), "1: `pow` of a negative exponent is not an integer");
  EXPECT_EQ(Problem("log(0 - 1)", true), "1: `log(0 - 1)` is not a number");
}

TEST(ExprTest, NamesTheNearestName) {
  EXPECT_EQ(Problem("BM + bigg"), "6: unknown name `bigg`; did you mean `big`?");
  EXPECT_EQ(Problem("ceildiv(1, 2)"), "1: unknown function `ceildiv`; did you mean `ceil_div`?");
  EXPECT_EQ(Problem("sqrtf(2)", true), "1: unknown function `sqrtf`; did you mean `sqrt`?");
}

TEST(ExprTest, SaysWhereTheTextIsWrong) {
  EXPECT_EQ(Problem(""), "1: a number, a name or `(` is expected here, but the expression ends");
  EXPECT_EQ(Problem("1 +"), "4: a number, a name or `(` is expected here, but the expression ends");
  EXPECT_EQ(Problem("(1"), "3: `)` is expected here, but the expression ends");
  EXPECT_EQ(Problem("1 2"), "3: an operator or the end is expected here, not `2`");
  EXPECT_EQ(Problem("a = b"), "3: an operator or the end is expected here, not `=`");
  EXPECT_EQ(Problem("1 ? 2"), "6: `:` is expected here, but the expression ends");
  EXPECT_EQ(Problem("min(1 2)"), "7: `,` or `)` is expected here, not `2`");
  EXPECT_EQ(Problem("\xc3\xa9"), "1: a number, a name or `(` is expected here, not byte 0xc3");
  EXPECT_EQ(Problem("64K"), "1: `64K` is not a number");
  EXPECT_EQ(Problem("1..2"), "1: `1..2` is not a number");
  EXPECT_EQ(Problem("min(B)"), "1: `min` takes at least 2 arguments, not 1");
  EXPECT_EQ(Problem("align(1, 2, 3)"), "1: `align` takes 2 arguments, not 3");
  EXPECT_EQ(Problem("sqrt()"), "1: `sqrt` takes 1 argument, not 0");
  EXPECT_EQ(Problem("1 < B < 3"), "7: comparisons do not chain; write `a < b && b < c`");
}

TEST(ExprTest, KeepsIntegersAndRealsApart) {
  EXPECT_EQ(Problem("B * 0.5"), "5: an integer is expected, not `0.5`");
  EXPECT_EQ(Problem("pi"), "1: an integer is expected, not `pi`");
  EXPECT_EQ(Problem("sqrt(4)"), "1: `sqrt` is for real expressions, this one is an integer");
  EXPECT_EQ(Problem("align(4, 2)", true), "1: `align` is for integer expressions, this one is real");
  EXPECT_TRUE(Expr::Parse("B * min(2, S)").value().CheckInteger());
  EXPECT_EQ(Expr::Parse("B + max(1, exp(2))").value().CheckInteger().error().column, 12);
}

TEST(ExprTest, BoundsNestingAndLength) {
  EXPECT_EQ(Int(std::string(150, '(') + "1" + std::string(150, ')')), 1);
  EXPECT_EQ(Problem(std::string(3000, '(')), "201: the expression is nested too deeply (at most 200 levels)");
  EXPECT_EQ(Problem(std::string(3000, '-') + "1"), "200: the expression is nested too deeply (at most 200 levels)");
  EXPECT_EQ(Problem(std::string(5000, '1')), "1: the expression is too long (5000 characters, at most 4096)");
  std::string sum = "1";
  while (sum.size() < 4000) sum += "+1";
  EXPECT_EQ(Int(sum), 2001);
}

TEST(ExprTest, ListsItsNames) {
  Expr expr = Expr::Parse("S * ceil_div(B, S) + occupancy(attn) + pi").value();
  EXPECT_EQ(expr.Names(), (std::vector<std::string>{"B", "S"}));
  auto uses = expr.Uses();
  ASSERT_EQ(uses.size(), 4u);
  EXPECT_EQ(uses[0].column, 1);
  EXPECT_EQ(uses[3].name, "occupancy");
  EXPECT_TRUE(uses[3].is_call);
  EXPECT_EQ(uses[3].column, 22);
}

TEST(ExprTest, PassesForeignCallsOn) {
  Expr expr = Expr::Parse("2 * occupancy( attn , B + 1 )").value();
  auto value = expr.Int({}, [](std::string_view name, const std::vector<std::string>& arguments) -> Result<long long> {
    EXPECT_EQ(name, "occupancy");
    EXPECT_EQ(arguments, (std::vector<std::string>{"attn", "B + 1"}));
    return 3;
  });
  EXPECT_EQ(value.value(), 6);
}

TEST(ExprTest, MakesConstants) {
  EXPECT_EQ(Expr::Constant(-5).Int({}).value(), -5);
  EXPECT_EQ(Expr::Constant(LLONG_MIN).text(), "-9223372036854775808");
}

TEST(ExprTest, ADefaultExpressionHasNoValue) { EXPECT_FALSE(Expr().Int({})); }

}  // namespace
}  // namespace kopt
