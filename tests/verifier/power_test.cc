#include "verifier/core/power.h"

#include <gtest/gtest.h>

#include "task/dtype.h"
#include "tests/verifier/spec_builder.h"

namespace kopt {
namespace {

// y = 2 x over [2, 3], with a second input of another shape and an integer output.
class PowerTest : public testing::Test {
 protected:
  void SetUp() override {
    spec_ = SpecOf({{"N", 3}},
                   {Input("x", DType::kF16, {"2", "N"}), Input("w", DType::kF32, {"N"}),
                    Output("y", DType::kF32, {"2", "N"}), Output("n", DType::kI32, {"2", "N"})},
                   {});
    spec_.tensors[2].strides = ExprsOf({"1", "2"});
    task_ = *Bind(spec_, spec_.shapes[0]);
    x_.resize(task_.tensors[0].bytes);
    for (size_t i = 0; i < 6; ++i) StoreReal(DType::kF16, x_.data(), i, static_cast<double>(i) + 1);
    storage_ = {x_, {}, {}, {}};
    truth_.value = value_;
    truth_.variance = variance_;
    counts_.integer = integer_;
  }
  std::vector<WrongAnswer> Answers(size_t output, const Truth& truth, const Truth& other) {
    return WrongAnswers(task_, output, truth, other, storage_);
  }
  double At(const std::vector<std::byte>& bytes, long long logical) {
    return LoadReal(DType::kF32, bytes.data(), static_cast<size_t>(task_.tensors[2].Offset(logical)));
  }

  Spec spec_;
  BoundTask task_;
  std::vector<double> value_ = {2, 4, 6, 8, 10, 12}, variance_ = std::vector<double>(6, 1e-12);
  std::vector<long long> integer_ = {5, 7, 7, 3, 3, 9};
  Truth truth_, counts_;
  std::vector<std::byte> x_;
  std::vector<std::span<const std::byte>> storage_;
};

TEST_F(PowerTest, RightAnswerPassesInItsLayout) {
  const std::vector<std::byte> bytes = RoundTruth(task_.tensors[2], truth_);
  EXPECT_EQ(At(bytes, 4), 10);
  EXPECT_EQ(LoadReal(DType::kF32, bytes.data(), 1), 8);  // column-major
  EXPECT_TRUE(CompareOutput(task_.tensors[2], truth_, bytes).pass);
}

TEST_F(PowerTest, WrongAnswersAreZeroConstantAnotherAnswerAndCopies) {
  std::vector<double> other_value = {1, 1, 2, 3, 5, 8};
  const std::vector<WrongAnswer> answers = Answers(2, truth_, {.value = other_value, .variance = variance_});
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[0].attempt, "zero");
  EXPECT_EQ(answers[1].attempt, "a constant");
  EXPECT_EQ(answers[2].attempt, "another input set's answer");
  EXPECT_EQ(answers[3].attempt, "a copy of `x`");
  for (long long i = 0; i < 6; ++i) {
    EXPECT_EQ(At(answers[0].bytes, i), 0);
    EXPECT_EQ(At(answers[1].bytes, i), 8);
    EXPECT_EQ(At(answers[2].bytes, i), other_value[static_cast<size_t>(i)]);
    EXPECT_EQ(At(answers[3].bytes, i), static_cast<double>(i + 1));
  }
  for (const WrongAnswer& answer : answers) {
    EXPECT_TRUE(answer.required);
    EXPECT_TRUE(HandIn(task_.tensors[2], truth_, answer, 0).refused) << answer.attempt;
  }
}

TEST_F(PowerTest, ConstantOfIntegersIsTheSmallestMostFrequent) {
  const std::vector<WrongAnswer> answers = Answers(3, counts_, {});
  ASSERT_EQ(answers.size(), 3u);  // no other set; the copy of x is converted
  EXPECT_EQ(LoadInt(DType::kI32, answers[1].bytes.data(), 5), 3);
  EXPECT_EQ(LoadInt(DType::kI32, answers[2].bytes.data(), 5), 6);
}

TEST_F(PowerTest, IdentityAndUncheckedOutputs) {
  spec_.tensors[2].identity = true;
  EXPECT_FALSE(Answers(2, truth_, {}).back().required);
  spec_.tensors[2].compare = Compare::kAny;
  EXPECT_TRUE(Answers(2, truth_, {}).empty());
  spec_.tensors[2].accept = Accept{};
  EXPECT_FALSE(Answers(2, truth_, {}).empty());
}

TEST_F(PowerTest, RowSaysWhatWasHandedInAndHowItFared) {
  const PowerRow row = HandIn(task_.tensors[2], truth_, Answers(2, truth_, {}).front(), 3);
  EXPECT_EQ(row.shape, 3);
  EXPECT_EQ(row.output, "y");
  EXPECT_EQ(row.attempt, "zero");
  EXPECT_TRUE(row.refused);
  EXPECT_NE(row.detail.find("100 % of the elements wrong"), std::string::npos) << row.detail;
  std::fill(value_.begin(), value_.end(), 0);
  EXPECT_FALSE(HandIn(task_.tensors[2], truth_, Answers(2, truth_, {}).front(), 0).refused);
}

TEST_F(PowerTest, AnswerBeforeARedrawIsNotRequiredAlone) {
  const WrongAnswer before = AnswerBefore(task_.tensors[2], truth_, "x");
  EXPECT_EQ(before.attempt, "the answer before `x` was redrawn");
  EXPECT_FALSE(before.required);
}

TEST_F(PowerTest, ToleranceInFigures) {
  const ToleranceRow row = ToleranceOf(task_.tensors[2], truth_, 1);
  EXPECT_EQ(row.shape, 1);
  EXPECT_NEAR(row.rms_value, 7.7888, 1e-4);
  EXPECT_NEAR(row.median_deviation, 1.04e-6, 1e-7);
  EXPECT_GT(row.median_largest, 30 * row.median_deviation);
  EXPECT_LE(row.median_largest, 32 * row.median_deviation);
  EXPECT_EQ(ToleranceOf(task_.tensors[3], counts_, 1).median_deviation, 0);
}

}  // namespace
}  // namespace kopt
