#include "verifier/core/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "task/dtype.h"
#include "tests/verifier/spec_builder.h"
#include "tests/verifier/wrong_element.h"

namespace kopt {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// One output, its truth, and a candidate's storage.
struct Output1 {
  explicit Output1(DType type, std::vector<long long> shape = {4}) {
    tensor.dtype = type;
    tensor.name = "o";
    tensor.role = Tensor::Role::kOutput;
    if (!IsFloating(type)) tensor.compare = Compare::kExact;
    bound.shape = std::move(shape);
    bound.elements = 1;
    bound.strides.resize(bound.shape.size());
    for (size_t d = bound.shape.size(); d-- > 0; bound.elements *= bound.shape[d]) bound.strides[d] = bound.elements;
    bound.span = bound.elements;
    bound.bytes = static_cast<size_t>(bound.span) * Size(type);
    const size_t n = static_cast<size_t>(bound.elements);
    value.resize(n);
    variance.resize(n);
    if (!IsFloating(type)) integer.resize(n);
    storage.resize(bound.bytes);
  }
  void Want(size_t i, double v, double s = 0) {
    value[i] = v;
    variance[i] = s;
    Got(i, v);
  }
  void Got(size_t i, double v) {
    StoreReal(tensor.dtype, storage.data(), static_cast<size_t>(bound.Offset(static_cast<long long>(i))), v);
  }
  Comparison Compare() {
    bound.tensor = &tensor;
    return CompareOutput(bound, {.value = value, .variance = variance, .integer = integer, .owner = owner}, storage);
  }
  // Of element 0 alone: is `got` right for a truth?
  bool Right(double got, double want, double s = 0) {
    Want(0, want, s);
    Got(0, got);
    return Compare().pass;
  }

  Tensor tensor;
  BoundTensor bound;
  std::vector<double> value, variance;
  std::vector<long long> integer;
  std::vector<uint32_t> owner;
  std::vector<std::byte> storage;
};

TEST(Compare, LargestErrorIs32Deviations) {
  Output1 o(DType::kF64);
  const double s = 1e-12;
  EXPECT_TRUE(o.Right(1 + 6.9e-6, 1, s));  // rms over 4 elements: z / 2
  Output1 many(DType::kF64, {400});
  for (size_t i = 0; i < 400; ++i) many.Want(i, 1, s);
  many.Got(7, 1 + 31.9e-6);
  const Comparison pass = many.Compare();
  EXPECT_TRUE(pass.pass);
  EXPECT_EQ(pass.reason, "");
  EXPECT_EQ(pass.compared, 400);
  EXPECT_EQ(pass.worst, 7);
  EXPECT_NEAR(pass.largest, 31.9, 1e-6);
  EXPECT_NEAR(pass.rms, 1.595, 1e-6);
  EXPECT_NEAR(pass.deviation, 1e-6, 1e-12);
  many.Got(7, 1.0000325);
  const Comparison fail = many.Compare();
  EXPECT_FALSE(fail.pass);
  EXPECT_EQ(fail.wrong, 1);
  EXPECT_EQ(
      fail.reason,
      "o[7] is 1.0000325, the truth 1 with deviation 1e-06 (32.5 deviations, above 32); 1 of 400 elements is wrong");
}

TEST(Compare, RootMeanSquareIs3Deviations) {
  Output1 o(DType::kF64, {100});
  for (size_t i = 0; i < 100; ++i) {
    o.Want(i, 1, 1e-12);
    o.Got(i, 1 + 5e-6);
  }
  o.Got(3, 1 + 6e-6);
  const Comparison c = o.Compare();
  EXPECT_FALSE(c.pass);
  EXPECT_EQ(c.wrong, 0);
  EXPECT_EQ(c.reason,
            "o: the root mean square error of 100 elements is 5.01 deviations, above 3.1; the largest is 6, at o[3]");
}

TEST(Compare, FewElementsMayBeALittleFurther) {
  for (const auto& [count, most] : {std::pair{1, 4.0}, {4, 3.5}, {100, 3.1}}) {
    Output1 o(DType::kF64, {count});
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      o.Want(i, 1, 1e-12);
      o.Got(i, 1 + (most - 0.01) * 1e-6);
    }
    EXPECT_TRUE(o.Compare().pass) << count;
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) o.Got(i, 1 + (most + 0.01) * 1e-6);
    EXPECT_FALSE(o.Compare().pass) << count;
  }
}

TEST(Compare, OutputsOwnRoundingIsAdded) {
  Output1 o(DType::kF16);
  EXPECT_TRUE(o.Right(0.3, 0.3));  // not representable: rounding counts
  EXPECT_TRUE(o.Right(0.3, 0.3001));
  EXPECT_FALSE(o.Right(0.3, 0.32));
  Output1 tiny(DType::kF32);
  EXPECT_TRUE(tiny.Right(0, 1e-46));  // below the smallest subnormal
  EXPECT_TRUE(tiny.Right(0x1p-149, 1e-46));
  EXPECT_FALSE(tiny.Right(1e-40, 1e-46));
}

TEST(Compare, OutputsOwnRoundingCountsByItsBound) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kE4M3, DType::kE5M2}) {
    SCOPED_TRACE(Name(type));
    Output1 o(type, {400});
    const double place = 2 * UnitRoundoff(type);  // units in the last place of 1
    for (size_t i = 0; i < 400; ++i) {
      o.Want(i, 1 + place / 3, 0);
      o.Got(i, 1);
    }
    EXPECT_TRUE(o.Compare().pass) << o.Compare().reason;
    o.Got(7, 1 + 2 * place);
    EXPECT_TRUE(o.Compare().pass) << o.Compare().reason;
    o.Got(7, 1 + 3 * place);
    EXPECT_EQ(o.Compare().wrong, 1);
    o.Got(7, 0);
    EXPECT_EQ(o.Compare().wrong, 1);
  }
}

// With little variance beside it: what is wrong there may be fewer deviations off than what is right elsewhere.
TEST(Compare, TheWorstIsOneThatIsWrong) {
  Output1 o(DType::kE5M2, {400});
  for (size_t i = 0; i < 400; ++i) {
    o.Want(i, 1, i == 3 ? 1e-2 : 1e-12);
    o.Got(i, 1);
  }
  o.Got(3, 2.5);
  EXPECT_TRUE(o.Compare().pass) << o.Compare().reason;
  o.Got(9, 0.25);
  EXPECT_EQ(o.Compare().wrong, 1);
  EXPECT_EQ(o.Compare().worst, 9);
}

TEST(Compare, ExactTruthDemandsEquality) {
  Output1 o(DType::kF32);
  EXPECT_TRUE(o.Right(0.5, 0.5));
  EXPECT_FALSE(o.Right(0.5 + 0x1p-24, 0.5));
  EXPECT_EQ(o.Compare().largest, kInf);
  EXPECT_EQ(o.Compare().reason,
            "o[0] is 0.50000006, the truth 0.5, which must be met exactly; 1 of 4 elements is wrong");
  EXPECT_TRUE(o.Right(-0.0, 0.0));
}

TEST(Compare, NonFiniteValuesMustAgree) {
  Output1 o(DType::kF32);
  EXPECT_TRUE(o.Right(kNan, -kNan));
  EXPECT_TRUE(o.Right(kInf, kInf));
  EXPECT_FALSE(o.Right(-kInf, kInf));
  EXPECT_FALSE(o.Right(kInf, 1, 1e-8));
  EXPECT_EQ(o.Compare().reason, "o[0] is inf, the truth 1; 1 of 4 elements is wrong");
  EXPECT_FALSE(o.Right(kNan, 1, 1e-8));
  EXPECT_FALSE(o.Right(1, kNan));
  EXPECT_FALSE(o.Right(3e38, kInf));
}

TEST(Compare, NearOverflowBothSidesAreRight) {
  Output1 o(DType::kF16);
  EXPECT_TRUE(o.Right(65504, 65519, 1));
  EXPECT_TRUE(o.Right(kInf, 65519, 1));
  EXPECT_TRUE(o.Right(65504, 65525, 1));
  EXPECT_TRUE(o.Right(kInf, 65525, 1));
  EXPECT_TRUE(o.Right(kInf, 1e6, 1));
  EXPECT_FALSE(o.Right(65504, 1e6, 1));
  EXPECT_FALSE(o.Right(kInf, 30000, 1));
  EXPECT_FALSE(o.Right(-kInf, 65525, 1));
  Output1 e(DType::kE4M3);  // has no infinity
  EXPECT_TRUE(e.Right(kNan, 500, 0));
  EXPECT_TRUE(e.Right(kNan, kInf));
  EXPECT_FALSE(e.Right(kNan, 100, 0));
}

TEST(Compare, NonFiniteAnyAndForbidden) {
  Output1 o(DType::kF32);
  o.tensor.nonfinite = NonFinite::kAny;
  EXPECT_TRUE(o.Right(3, kNan));
  EXPECT_EQ(o.Compare().compared, 3);
  EXPECT_FALSE(o.Right(kNan, 3, 1e-8));
  o.tensor.nonfinite = NonFinite::kForbidden;
  EXPECT_FALSE(o.Right(kInf, kInf));
  EXPECT_EQ(o.Compare().reason,
            "o[0] is inf, the truth inf, where the spec forbids values that are not finite; 1 of 4 elements is wrong");
  EXPECT_FALSE(o.Right(kInf, 3.41e38, 1e70));
}

TEST(Compare, TolerancesReplaceTheRule) {
  Output1 o(DType::kF32);
  o.tensor.rtol = 0.01;
  EXPECT_TRUE(o.Right(1.009, 1));
  EXPECT_TRUE(o.Right(101, 100));
  EXPECT_FALSE(o.Right(1.02, 1, 1));
  EXPECT_EQ(o.Compare().reason,
            "o[0] is 1.01999998, the truth 1: the error 0.02 is above the tolerance 0.01; 1 of 4 elements is wrong");
  o.tensor.atol = 0.5;
  EXPECT_TRUE(o.Right(1.5, 1));
}

TEST(Compare, ExactAndAny) {
  Output1 o(DType::kF16);
  o.tensor.compare = Compare::kExact;
  EXPECT_TRUE(o.Right(0.1, 0.1, 1));
  EXPECT_FALSE(o.Right(0.1001, 0.1, 1));
  o.tensor.compare = Compare::kAny;
  EXPECT_TRUE(o.Right(7, 0.1));
  EXPECT_EQ(o.Compare().compared, 0);
  EXPECT_EQ(o.Compare().worst, -1);
}

TEST(Compare, ElementsNotComputedAreSkipped) {
  Output1 o(DType::kF32);
  o.Want(1, 5, -1);
  o.Got(1, 99);
  EXPECT_TRUE(o.Compare().pass);
  EXPECT_EQ(o.Compare().compared, 3);
  Output1 n(DType::kI32);
  n.owner = {1, 0, 2, 3};
  n.Got(1, 99);
  EXPECT_TRUE(n.Compare().pass);
  EXPECT_EQ(n.Compare().compared, 3);
}

TEST(Compare, IntegersMustBeEqual) {
  Output1 o(DType::kI64, {2, 3});
  o.integer[4] = 9007199254740993;
  StoreInt(DType::kI64, o.storage.data(), 4, 9007199254740992);
  EXPECT_EQ(o.Compare().reason, "o[1, 1] is 9007199254740992, the truth 9007199254740993; 1 of 6 elements is wrong");
  o.tensor.atol = 1;
  EXPECT_TRUE(o.Compare().pass);
  Output1 u(DType::kU64);
  u.integer[0] = -1;
  EXPECT_EQ(u.Compare().reason, "o[0] is 0, the truth 18446744073709551615; 1 of 4 elements is wrong");
  u.tensor.atol = 2;
  EXPECT_FALSE(u.Compare().pass);
  Output1 small(DType::kI8);
  small.integer[2] = 300;
  EXPECT_EQ(small.Compare().reason, "o[2] is 0, the truth 300, which i8 cannot hold; 1 of 4 elements is wrong");
}

TEST(Compare, BoolsAreBytes0And1) {
  Output1 o(DType::kBool);
  o.integer[3] = 1;
  o.storage[3] = std::byte{1};
  EXPECT_TRUE(o.Compare().pass);
  o.storage[3] = std::byte{255};
  EXPECT_EQ(o.Compare().reason, "o[3] is the byte 255, not 0 or 1; 1 of 4 elements is wrong");
}

TEST(Compare, FollowsStrides) {
  Output1 o(DType::kF32, {2, 3});
  o.bound.strides = {1, 4};
  o.bound.span = 10;
  o.bound.bytes = 40;
  o.storage.resize(40);
  for (size_t i = 0; i < 6; ++i) o.Want(i, static_cast<double>(i), 1e-8);
  StoreReal(DType::kF32, o.storage.data(), 2, 1e9);  // a gap
  EXPECT_TRUE(o.Compare().pass);
  o.Got(5, 0);
  EXPECT_EQ(o.Compare().worst, 5);
  EXPECT_EQ(o.Compare().want, 5);
  o.bound.strides = {1, 2};  // as many elements as a dense one, in another order
  o.bound.span = 6;
  o.bound.bytes = 24;
  for (size_t i = 0; i < 6; ++i) o.Want(i, static_cast<double>(i), 1e-8);
  EXPECT_TRUE(o.Compare().pass);
}

TEST(Compare, WorstIsTheFirstOfTheLargestAcrossBlocks) {
  Output1 o(DType::kF32, {5000});
  for (size_t i = 0; i < 5000; ++i) o.Want(i, 1, 1e-8);
  for (const size_t i : {4000, 2500, 2501}) o.Got(i, 1.0005);
  EXPECT_EQ(o.Compare().worst, 2500);
  EXPECT_TRUE(o.Compare().pass);
  o.Got(4999, 2);
  o.Got(2500, kNan);
  const Comparison c = o.Compare();
  EXPECT_EQ(c.worst, 2500);
  EXPECT_EQ(c.wrong, 2);
  EXPECT_EQ(c.compared, 5000);
}

TEST(Compare, HugeValuesDoNotOverflowTheRule) {
  Output1 o(DType::kF64);
  EXPECT_TRUE(o.Right(1e200, 1e200));
  EXPECT_FALSE(o.Right(0, 1e200));
  EXPECT_FALSE(o.Right(0, 1e200, 1e300));
  EXPECT_FALSE(o.Right(1.0000001e200, 1e200, 1e300));
}

TEST(Compare, SizesThatDoNotFitFail) {
  Output1 o(DType::kF32);
  o.storage.resize(4);
  EXPECT_FALSE(o.Compare().pass);
  EXPECT_EQ(o.Compare().reason, "o: the sizes of truth and storage do not fit the tensor");
}

// ---- one wrong element, wherever it stands ----

// Right answers to truths that are exact or not; every `step`-th place in storage holds an element.
Output1 RightAnswers(DType type, long long elements, bool exact, long long step) {
  Output1 o(type, {elements});
  o.bound.strides = {step};
  o.bound.span = (elements - 1) * step + 1;
  o.bound.bytes = static_cast<size_t>(o.bound.span) * Size(type);
  o.storage.resize(o.bound.bytes, std::byte{0x5a});
  for (long long i = 0; i < elements; ++i) {
    const auto at = static_cast<size_t>(i);
    if (IsFloating(type)) {
      o.Want(at, exact ? RoundTo(type, RealTruth(i)) : RealTruth(i), exact ? 0 : kTruthVariance);
    } else {
      o.integer[at] = IntegerTruth(type, i);
      StoreInt(type, o.storage.data(), at * static_cast<size_t>(step), o.integer[at]);
    }
  }
  return o;
}

void ExpectRefusedAt(Output1& o, long long i, Wrong wrong) {
  const auto at = static_cast<size_t>(i), place = static_cast<size_t>(o.bound.Offset(i));
  const DType type = o.tensor.dtype;
  const std::vector<std::byte> right = o.storage;
  if (IsFloating(type))
    StoreWrongReal(wrong, type, o.storage.data(), place, o.value[at], o.variance[at]);
  else
    StoreWrongInteger(wrong, type, o.storage.data(), place, o.integer[at]);
  const Comparison c = o.Compare();
  o.storage = right;
  ASSERT_FALSE(c.pass);
  ASSERT_EQ(c.wrong, 1);
  ASSERT_EQ(c.worst, i);
  ASSERT_EQ(c.compared, o.bound.elements);
  ASSERT_TRUE(c.reason.starts_with(fmt::format("o[{}] is ", i))) << c.reason;
}

// Every kind at every position; or, of large outputs, one kind at each position.
void ExpectRefusedAnywhere(DType type, long long elements, bool exact, long long step, bool every_kind) {
  SCOPED_TRACE(fmt::format("{} x {}, {}, step {}", elements, Name(type), exact ? "exact" : "rounded", step));
  Output1 o = RightAnswers(type, elements, exact, step);
  ASSERT_TRUE(o.Compare().pass) << o.Compare().reason;
  for (long long i = 0; i < elements && !testing::Test::HasFatalFailure(); ++i) {
    for (const Wrong wrong : kWrongs) {
      const bool turn = static_cast<size_t>(i) % std::size(kWrongs) == static_cast<size_t>(wrong);
      if (every_kind || turn) ExpectRefusedAt(o, i, wrong);
    }
  }
}

TEST(Compare, OneWrongElementIsRefusedWhereverItStands) {
  for (int t = 0; t < kDTypeCount; ++t) {
    for (const long long elements : {1, 3, 7, 31, 33, 127}) {
      for (const bool exact : {false, true}) {
        for (const long long step : {1, 3}) ExpectRefusedAnywhere(static_cast<DType>(t), elements, exact, step, true);
      }
    }
  }
}

// More elements than are scanned together.
TEST(Compare, OneWrongElementIsRefusedWhereverItStandsAmongMany) {
  for (int t = 0; t < kDTypeCount; ++t) {
    for (const long long elements : {1021, 2051}) {
      ExpectRefusedAnywhere(static_cast<DType>(t), elements, false, 1, false);
    }
  }
  ExpectRefusedAnywhere(DType::kF32, 4099, false, 1, false);
  ExpectRefusedAnywhere(DType::kF16, 4099, false, 1, false);
  ExpectRefusedAnywhere(DType::kI32, 4099, false, 1, false);
}

}  // namespace
}  // namespace kopt
