#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "task/fill_text.h"
#include "task/npy.h"
#include "task/spec.h"

namespace kopt {
namespace {

// A tensor on its own: dense unless strides are given.
struct Sample {
  Spec spec;
  Tensor tensor;
  BoundTensor bound;
  std::vector<std::byte> storage;

  Sample(DType dtype, std::vector<long long> shape, std::vector<long long> strides = {}) {
    tensor.name = "x";
    tensor.dtype = dtype;
    bound.tensor = &tensor;
    bound.shape = shape;
    bound.elements = std::accumulate(shape.begin(), shape.end(), 1LL, std::multiplies<>());
    bound.strides = strides;
    if (strides.empty()) {
      bound.strides.assign(shape.size(), 1);
      for (size_t i = shape.size(); i-- > 1;) bound.strides[i - 1] = bound.strides[i] * shape[i];
    }
    bound.span = 1;
    for (size_t i = 0; i < shape.size(); ++i) bound.span += (shape[i] - 1) * bound.strides[i];
    bound.bytes = static_cast<size_t>(bound.span) * Size(dtype);
    storage.resize(bound.bytes);
  }

  void Fill(std::string_view text, uint64_t seed = 1) {
    auto fill = ParseFill(text);
    ASSERT_TRUE(fill) << fill.error().Text();
    auto filled = FillTensor(spec, bound, *fill, seed, storage);
    ASSERT_TRUE(filled) << filled.error().Text();
  }
  double At(long long i) const { return LoadReal(tensor.dtype, storage.data(), static_cast<size_t>(bound.Offset(i))); }
  std::vector<double> Values() const {
    std::vector<double> values(static_cast<size_t>(bound.elements));
    for (size_t i = 0; i < values.size(); ++i) values[i] = At(static_cast<long long>(i));
    return values;
  }
};

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string Why(const Result<Fill>& fill) { return fill ? "" : fill.error().Text(); }
std::string WhyNot(std::string_view text, DType dtype) {
  auto fill = ParseFill(text);
  if (!fill) return fill.error().Text();
  auto fits = CheckFill(*fill, dtype);
  return fits ? "" : fits.error().Text();
}

TEST(ParseFill, Arguments) {
  const auto fill = ParseFill(" uniform( -1/2 , 1e-3 ) ");
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->kind, Fill::Kind::kUniform);
  EXPECT_EQ(fill->a, -0.5);
  EXPECT_EQ(fill->b, 1e-3);
  EXPECT_EQ(fill->text, "uniform( -1/2 , 1e-3 )");
  EXPECT_EQ(ParseFill("normal(max(1, 2), sqrt(4))")->b, 2);
  EXPECT_EQ(ParseFill("file(data/x, y.npy)")->file, "data/x, y.npy");
  EXPECT_TRUE(ParseFill("index"));
  EXPECT_TRUE(ParseFill("permutation()"));
}

TEST(ParseFill, Errors) {
  EXPECT_EQ(Why(ParseFill("norml(0, 1)")), "unknown fill `norml`; did you mean `normal`?");
  EXPECT_EQ(Why(ParseFill("")),
            "unknown fill ``; it can be `normal`, `uniform`, `int`, `index`, `permutation`, `file`");
  EXPECT_EQ(Why(ParseFill("int(1)")), "`int` takes 2 arguments, not 1; write int(a, b)");
  EXPECT_EQ(Why(ParseFill("file()")), "`file` takes 1 arguments, not 0; write file(x.npy)");
  EXPECT_EQ(Why(ParseFill("int(2, 1)")), "the range is empty: 2 is above 1 (at `int`)");
  EXPECT_EQ(Why(ParseFill("normal(0, -1)")), "the standard deviation -1 is not positive (at `normal`)");
  const auto bad = ParseFill("normal(0, 1 +)");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().column, 14);
  EXPECT_FALSE(ParseFill("normal(0, 1/0)"));
  EXPECT_FALSE(ParseFill("normal(0, 1) x"));
  EXPECT_FALSE(ParseFill("normal(,)"));
}

TEST(CheckFill, WhatSuitsWhichType) {
  EXPECT_EQ(WhyNot("normal(0, 1)", DType::kE4M3), "");
  EXPECT_EQ(WhyNot("int(0, 1)", DType::kBool), "");
  EXPECT_EQ(WhyNot("int(-128, 127)", DType::kI8), "");
  EXPECT_EQ(WhyNot("int(0, 2048)", DType::kF16), "");
  EXPECT_EQ(WhyNot("normal(0, 1)", DType::kBool),
            "normal(0, 1) does not suit bool: it gives fractions; int(a, b) gives integers");
  EXPECT_EQ(WhyNot("int(0, 2)", DType::kBool), "int(0, 2) does not suit bool: it holds the integers from 0 to 1");
  EXPECT_EQ(WhyNot("int(0, 2049)", DType::kF16),
            "int(0, 2049) does not suit f16: it holds the integers from -2048 to 2048");
  EXPECT_EQ(WhyNot("uniform(0, 1e5)", DType::kF16),
            "uniform(0, 1e5) does not suit f16: it reaches 100000, the largest value is 65504");
  EXPECT_NE(WhyNot("index", DType::kBool), "");
}

TEST(FillTensor, NormalHasItsMoments) {
  Sample sample(DType::kF64, {300, 1000});
  sample.Fill("normal(3, 2)");
  const std::vector<double> values = sample.Values();
  const double mean = Mean(values);
  double variance = 0, cube = 0, fourth = 0;
  for (const double value : values) {
    const double z = (value - 3) / 2;
    variance += z * z;
    cube += z * z * z;
    fourth += z * z * z * z;
  }
  const double n = static_cast<double>(values.size());
  EXPECT_NEAR(mean, 3, 0.02);
  EXPECT_NEAR(variance / n, 1, 0.01);
  EXPECT_NEAR(cube / n, 0, 0.03);
  EXPECT_NEAR(fourth / n, 3, 0.08);
}

// Against the distribution function, tails included.
TEST(FillTensor, NormalFollowsItsDistribution) {
  Sample sample(DType::kF64, {400000});
  sample.Fill("normal(0, 1)", 7);
  std::vector<double> values = sample.Values();
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = 0.5 * std::erfc(-values[i] / std::sqrt(2.0));
    worst = std::max(worst, std::fabs(expected - (static_cast<double>(i) + 0.5) / n));
  }
  EXPECT_LT(worst, 1.95 / std::sqrt(n));  // Kolmogorov and Smirnov, 0.1 %
  EXPECT_LT(values.front(), -4);
  EXPECT_GT(values.back(), 4);
}

TEST(FillTensor, UniformAndInt) {
  Sample real(DType::kF32, {100000});
  real.Fill("uniform(-1, 3)");
  const auto values = real.Values();
  EXPECT_NEAR(Mean(values), 1, 0.02);
  EXPECT_GE(*std::min_element(values.begin(), values.end()), -1);
  EXPECT_LE(*std::max_element(values.begin(), values.end()), 3);

  Sample integer(DType::kI8, {10000});
  integer.Fill("int(-3, 3)");
  std::vector<int> counts(7);
  for (const double value : integer.Values()) ++counts.at(static_cast<size_t>(value + 3));
  for (const int count : counts) EXPECT_NEAR(count, 10000 / 7, 200);

  Sample wide(DType::kI64, {1000});
  wide.Fill("int(-9007199254740992, 9007199254740992)");
  const auto wide_values = wide.Values();
  EXPECT_GT(std::set<double>(wide_values.begin(), wide_values.end()).size(), 990u);
  EXPECT_LT(*std::min_element(wide_values.begin(), wide_values.end()), -0x1p52);
}

TEST(FillTensor, DependsOnSeedAndIndexOnly) {
  Sample a(DType::kF32, {1000, 700}), b(DType::kF32, {700000}), c(DType::kF32, {700000}), tail(DType::kF32, {3});
  a.Fill("normal(0, 1)", 5);
  b.Fill("normal(0, 1)", 5);
  c.Fill("normal(0, 1)", 6);
  tail.Fill("normal(0, 1)", 5);
  EXPECT_EQ(a.storage, b.storage);
  EXPECT_NE(a.storage, c.storage);
  EXPECT_TRUE(std::equal(tail.storage.begin(), tail.storage.end(), a.storage.begin()));
}

// The values belong to the format: records made on one machine are checked on another.
TEST(FillTensor, FixedValues) {
  Sample normal(DType::kF64, {3}), integer(DType::kI32, {4}), permutation(DType::kI32, {8});
  normal.Fill("normal(0, 1)", 42);
  integer.Fill("int(0, 999)", 42);
  permutation.Fill("permutation", 42);
  EXPECT_EQ(normal.Values(), (std::vector<double>{0x1.4bdde81dfb33bp-1, -0x1.fd59dcf5e88eep-1, -0x1.2c8b8cb3a9887p-1}));
  EXPECT_EQ(integer.Values(), (std::vector<double>{741, 159, 278, 344}));
  EXPECT_EQ(permutation.Values(), (std::vector<double>{7, 0, 1, 6, 4, 2, 5, 3}));
}

TEST(FillTensor, StridesLeaveTheSameValues) {
  Sample dense(DType::kF16, {5, 7, 3}), strided(DType::kF16, {5, 7, 3}, {1, 40, 6});
  dense.Fill("normal(0, 1)");
  strided.Fill("normal(0, 1)");
  EXPECT_EQ(dense.Values(), strided.Values());
}

TEST(FillTensor, GapsGetAPatternOfTheirOwn) {
  Sample a(DType::kU8, {4, 4}, {100, 1});
  a.Fill("int(0, 0)", 1);
  const long long zeros = std::count(a.storage.begin(), a.storage.end(), std::byte{0});
  EXPECT_GE(zeros, 16);
  EXPECT_LT(zeros, 30);
  Sample b = a;
  b.bound.tensor = &b.tensor;
  b.Fill("int(0, 0)", 2);
  EXPECT_NE(a.storage, b.storage);
}

TEST(FillTensor, IndexAndPermutation) {
  Sample index(DType::kI32, {3, 4}, {1, 3});
  index.Fill("index");
  for (long long i = 0; i < 12; ++i) EXPECT_EQ(index.At(i), i);

  for (const long long n : {1, 2, 3, 5, 64, 1000, 1025}) {
    Sample rows(DType::kI32, {4, n});
    rows.Fill("permutation", 3);
    const auto values = rows.Values();
    for (long long row = 0; row < 4; ++row) {
      const std::set<double> seen(values.begin() + row * n, values.begin() + (row + 1) * n);
      EXPECT_EQ(static_cast<long long>(seen.size()), n);
      EXPECT_EQ(*seen.begin(), 0);
      EXPECT_EQ(*seen.rbegin(), static_cast<double>(n - 1));
    }
    if (n < 64) continue;
    EXPECT_FALSE(std::equal(values.begin(), values.begin() + n, values.begin() + n)) << "rows repeat";
    EXPECT_FALSE(std::is_sorted(values.begin(), values.begin() + n));
  }
}

// ---- files ----

std::string Npy(std::string_view type, std::string_view shape, std::string_view bytes,
                std::string_view order = "False") {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", type, order, shape);
  header.resize((header.size() + 1 + 10 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  return file + header + std::string(bytes);
}

template <class T>
std::string Bytes(std::initializer_list<T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.begin(), bytes.size());
  return bytes;
}

class NpyTest : public testing::Test {
 protected:
  std::string Try(Sample& sample, const std::string& file) {
    EXPECT_TRUE(WriteFile(folder_->path() / "x.npy", file));
    sample.spec.file = (folder_->path() / "task.spec").string();
    auto filled = FillTensor(sample.spec, sample.bound, *ParseFill("file(x.npy)"), 0, sample.storage);
    if (filled) return "";
    std::string text = filled.error().Text();
    const std::string prefix = (folder_->path() / "x.npy").string() + ": ";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
  Result<TemporaryFolder> folder_ = TemporaryFolder::Create("kopt-npy");
};

TEST_F(NpyTest, Reads) {
  Sample f16(DType::kF16, {2, 2});
  EXPECT_EQ(Try(f16, Npy("<f4", "(2, 2)", Bytes<float>({1, 2.5, -3, 1e9}))), "");
  EXPECT_EQ(f16.At(2), -3);
  EXPECT_TRUE(std::isinf(f16.At(3)));
  Sample i32(DType::kI32, {3}, {2});
  EXPECT_EQ(Try(i32, Npy("<i8", "(3,)", Bytes<int64_t>({-1, 0, 7}))), "");
  EXPECT_EQ(i32.Values(), (std::vector<double>{-1, 0, 7}));
  Sample bf16(DType::kBF16, {2});
  EXPECT_EQ(Try(bf16, Npy("<u2", "(2,)", Bytes<uint16_t>({0x3f80, 0xc000}))), "");
  EXPECT_EQ(bf16.Values(), (std::vector<double>{1, -2}));
  Sample flag(DType::kBool, {2});
  EXPECT_EQ(Try(flag, Npy("|b1", "(2,)", Bytes<uint8_t>({1, 0}))), "");
  EXPECT_EQ(flag.Values(), (std::vector<double>{1, 0}));
}

TEST_F(NpyTest, Refuses) {
  const std::string how = "; save it with numpy.save('x.npy', numpy.ascontiguousarray(a))";
  Sample x(DType::kI8, {2});
  EXPECT_EQ(Try(x, ""), "this is not a .npy file (at `x`)" + how);
  EXPECT_EQ(Try(x, "\x93NUMPY\x01"), "this is not a .npy file (at `x`)" + how);
  EXPECT_EQ(Try(x, Npy("<i4", "(2,", "")), "the header of the .npy file is damaged (at `x`)" + how);
  EXPECT_EQ(Try(x, Npy("<i4", "(-2,)", "")), "the header of the .npy file is damaged (at `x`)" + how);
  EXPECT_EQ(Try(x, Npy("<i4", "(2,)", "12345678", "True")), "the .npy file is in Fortran order (at `x`)" + how);
  EXPECT_EQ(Try(x, Npy(">i4", "(2,)", "12345678")),
            "the element type >i4 of the .npy file is not supported (at `x`); "
            "save little-endian floats, integers or bools");
  EXPECT_EQ(Try(x, Npy("<i4", "(2,)", "1234567")),
            "the .npy file holds 7 bytes of elements, its header announces 8 (at `x`); the file is cut off or damaged");
  EXPECT_EQ(Try(x, Npy("<i4", "(4611686018427387904, 16)", "1")).find("the .npy file holds 1 bytes"), 0u);
  EXPECT_EQ(Try(x, Npy("<i4", "(1, 2)", "12345678")), "the array has another shape than `x`");
  EXPECT_EQ(Try(x, Npy("<f4", "(2,)", "12345678")),
            "elements of type <f4 cannot fill a tensor of i8 (at `x`); convert the array with astype before saving it");
  EXPECT_EQ(Try(x, Npy("<i4", "(2,)", Bytes<int32_t>({1, 128}))),
            "element 1 of the .npy file, 128, does not fit i8 (at `x`)");
  EXPECT_EQ(Try(x, Npy("<u8", "(2,)", Bytes<uint64_t>({UINT64_MAX, 0}))),
            "element 0 of the .npy file, 18446744073709551615, does not fit i8 (at `x`)");
}

// ---- scalars ----

TEST(ScalarBits, ValuesAreRoundedToTheirType) {
  Spec spec;
  spec.file = "s.spec";
  const Shape shape{.dims = {{"D", 3}}};
  spec.scalars.push_back({.name = "s", .value = *Expr::Parse("1 / D"), .position = {4, 1}});
  const auto bits = ScalarBits(spec, shape, spec.scalars[0], 0);
  ASSERT_TRUE(bits);
  EXPECT_EQ(*bits, std::bit_cast<uint32_t>(1.0f / 3.0f));
  spec.scalars[0].dtype = DType::kI32;
  EXPECT_EQ(ScalarBits(spec, shape, spec.scalars[0], 0).error().Text(),
            "s.spec:4:1: scalar `s` has the value 0.3333333333333333, which i32 does not hold");
  spec.scalars[0].value = *Expr::Parse("D * 9007199254740993");
  spec.scalars[0].dtype = DType::kI64;
  EXPECT_EQ(*ScalarBits(spec, shape, spec.scalars[0], 0), 3 * 9007199254740993ull);
  spec.scalars[0].value = *Expr::Parse("exp(1000)");
  spec.scalars[0].dtype = DType::kF32;
  EXPECT_FALSE(ScalarBits(spec, shape, spec.scalars[0], 0));
}

TEST(ScalarBits, FillsDifferByScalarAndSeed) {
  Spec spec;
  for (const char* name : {"a", "b"}) spec.scalars.push_back({.name = name, .fill = *ParseFill("uniform(0, 1)")});
  const Shape shape;
  const auto bits = [&](size_t i, uint64_t seed) { return *ScalarBits(spec, shape, spec.scalars[i], seed); };
  EXPECT_EQ(bits(0, 1), bits(0, 1));
  EXPECT_NE(bits(0, 1), bits(0, 2));
  EXPECT_NE(bits(0, 1), bits(1, 1));
}

}  // namespace
}  // namespace kopt
