#include "task/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace kopt {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

uint32_t Bits(DType type, double value) {
  std::byte bytes[8] = {};
  StoreReal(type, bytes, 0, value);
  uint32_t bits = 0;
  std::memcpy(&bits, bytes, Size(type));
  return bits;
}

double Value(DType type, uint32_t bits) {
  std::byte bytes[8];
  std::memcpy(bytes, &bits, sizeof(bits));
  return LoadReal(type, bytes, 0);
}

TEST(DType, NamesRoundTrip) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto type = static_cast<DType>(i);
    EXPECT_EQ(ParseDType(Name(type)), type);
  }
  EXPECT_EQ(ParseDType("float"), std::nullopt);
  EXPECT_EQ(Name(DType::kE4M3), "e4m3");
  EXPECT_EQ(Size(DType::kBF16), 2u);
  EXPECT_EQ(CppName(DType::kF16, Target::kCpu), "_Float16");
  EXPECT_EQ(CppName(DType::kF16, Target::kCuda), "__half");
  EXPECT_EQ(CppName(DType::kE5M2, Target::kCuda), "__nv_fp8_e5m2");
  for (Target target : {Target::kCpu, Target::kCuda}) EXPECT_EQ(CppName(DType::kI64, target), "long long");
}

TEST(DType, PrecisionNames) {
  EXPECT_EQ(PrecisionRoundoff("tf32"), 0x1p-11);
  EXPECT_EQ(PrecisionRoundoff("f64"), 0x1p-53);
  EXPECT_EQ(PrecisionRoundoff("e5m2"), std::nullopt);
  EXPECT_EQ(PrecisionRoundoff("i8"), std::nullopt);
}

class SmallFloatTest : public testing::TestWithParam<DType> {};

TEST_P(SmallFloatTest, EveryPatternRoundTrips) {
  const DType type = GetParam();
  const uint32_t count = 1u << (8 * Size(type));
  for (uint32_t bits = 0; bits < count; ++bits) {
    const double value = Value(type, bits);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(RoundTo(type, value)));
    } else {
      ASSERT_EQ(Bits(type, value), bits) << value;
    }
  }
}

// Between neighbours: below the middle goes down, above goes up, the middle goes to the even pattern.
TEST_P(SmallFloatTest, RoundsToNearestEven) {
  const DType type = GetParam();
  for (uint32_t low = 0;; ++low) {
    const double a = Value(type, low), b = Value(type, low + 1);
    if (!std::isfinite(b)) break;
    const double middle = (a + b) / 2;
    ASSERT_EQ(Bits(type, middle), low % 2 == 0 ? low : low + 1) << middle;
    ASSERT_EQ(Bits(type, std::nextafter(middle, 0)), low);
    ASSERT_EQ(Bits(type, std::nextafter(middle, kInf)), low + 1);
    ASSERT_EQ(RoundTo(type, -std::nextafter(middle, kInf)), -b);
  }
}

TEST_P(SmallFloatTest, Limits) {
  const DType type = GetParam();
  const double most = LargestFinite(type), least = SmallestSubnormal(type);
  EXPECT_EQ(RoundTo(type, most), most);
  EXPECT_EQ(RoundTo(type, least), least);
  EXPECT_EQ(RoundTo(type, least / 2), 0);
  EXPECT_EQ(RoundTo(type, least * 0.51), least);
  EXPECT_EQ(RoundTo(type, 1e-310), 0);
  EXPECT_TRUE(std::signbit(RoundTo(type, -0.0)));
  EXPECT_TRUE(std::isnan(RoundTo(type, kNan)));
  EXPECT_EQ(RoundTo(type, 1 + 2 * UnitRoundoff(type)), 1 + 2 * UnitRoundoff(type));
  EXPECT_EQ(RoundTo(type, 1 + UnitRoundoff(type)), 1);
  // Half a unit beyond the largest value is the first to overflow (in e4m3 it is a tie, to the even 448).
  const double unit = most - Value(type, Bits(type, most) - 1);
  EXPECT_EQ(RoundTo(type, most + 0.49 * unit), most);
  EXPECT_FALSE(std::isfinite(RoundTo(type, most + 0.51 * unit)));
  EXPECT_FALSE(std::isfinite(RoundTo(type, 1e300)));
  EXPECT_FALSE(std::isfinite(RoundTo(type, -kInf)));
}

INSTANTIATE_TEST_SUITE_P(Types, SmallFloatTest, testing::Values(DType::kF16, DType::kBF16, DType::kE4M3, DType::kE5M2),
                         [](const auto& info) { return std::string(Name(info.param)); });

TEST(DType, OverflowPatterns) {
  EXPECT_EQ(RoundTo(DType::kF16, 65519), 65504);
  EXPECT_EQ(RoundTo(DType::kF16, 65520), kInf);
  EXPECT_EQ(RoundTo(DType::kE5M2, -1e9), -kInf);
  EXPECT_EQ(RoundTo(DType::kE4M3, 464), 448);
  EXPECT_TRUE(std::isnan(RoundTo(DType::kE4M3, 465)));
  EXPECT_TRUE(std::isnan(RoundTo(DType::kE4M3, kInf)));
  EXPECT_EQ(Bits(DType::kE4M3, -kInf), 0xffu);
  EXPECT_EQ(RoundTo(DType::kF32, 1e39), kInf);
  EXPECT_EQ(RoundTo(DType::kF32, 0x1p-150), 0);
  EXPECT_EQ(RoundTo(DType::kF64, 0.1), 0.1);
}

// The compiler's own half type agrees.
TEST(DType, F16AgreesWithTheCompiler) {
  for (uint32_t i = 0; i < 200000; ++i) {
    const double value = std::bit_cast<float>(i * 21474u);
    const _Float16 expected = static_cast<_Float16>(value);
    if (std::isnan(value)) continue;
    ASSERT_EQ(Bits(DType::kF16, value), std::bit_cast<uint16_t>(expected)) << value;
  }
}

TEST(DType, IntegersSaturateWhenStoredAsReal) {
  EXPECT_EQ(RoundTo(DType::kI8, 200), 127);
  EXPECT_EQ(RoundTo(DType::kI8, -200), -128);
  EXPECT_EQ(RoundTo(DType::kU8, -1), 0);
  EXPECT_EQ(RoundTo(DType::kI32, 2.5), 2);
  EXPECT_EQ(RoundTo(DType::kI32, 3.5), 4);
  EXPECT_EQ(RoundTo(DType::kI32, kNan), 0);
  EXPECT_EQ(RoundTo(DType::kI64, 1e30), 0x1p63);
  EXPECT_EQ(RoundTo(DType::kU64, kInf), 0x1p64);
  EXPECT_EQ(RoundTo(DType::kBool, 0.5), 1);
  EXPECT_EQ(RoundTo(DType::kBool, 0), 0);
}

TEST(DType, IntegersWrapWhenStoredAsInt) {
  std::byte bytes[8];
  StoreInt(DType::kU8, bytes, 0, 257);
  EXPECT_EQ(LoadInt(DType::kU8, bytes, 0), 1);
  StoreInt(DType::kI16, bytes, 0, 40000);
  EXPECT_EQ(LoadInt(DType::kI16, bytes, 0), 40000 - 65536);
  StoreInt(DType::kU64, bytes, 0, -1);
  EXPECT_EQ(LoadInt(DType::kU64, bytes, 0), -1);
  EXPECT_EQ(LoadReal(DType::kU64, bytes, 0), 0x1p64);
  StoreInt(DType::kBool, bytes, 0, 256);
  EXPECT_EQ(LoadInt(DType::kBool, bytes, 0), 1);
  StoreInt(DType::kF16, bytes, 0, 2049);
  EXPECT_EQ(LoadInt(DType::kF16, bytes, 0), 2048);
  StoreReal(DType::kF64, bytes, 0, -1e300);
  EXPECT_EQ(LoadInt(DType::kF64, bytes, 0), std::numeric_limits<long long>::min());
  StoreReal(DType::kF32, bytes, 0, -2.9);
  EXPECT_EQ(LoadInt(DType::kF32, bytes, 0), -2);
}

TEST(DType, UnalignedElements) {
  std::vector<std::byte> bytes(33);
  for (size_t i = 0; i < 4; ++i) StoreReal(DType::kF64, bytes.data() + 1, i, 1.5 * static_cast<double>(i));
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(LoadReal(DType::kF64, bytes.data() + 1, i), 1.5 * static_cast<double>(i));
}

}  // namespace
}  // namespace kopt
