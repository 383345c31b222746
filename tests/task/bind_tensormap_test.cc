// Tensor maps by the driver's rules: one test a rule. q is f32 [2, 4, 128, 64], v f16 of the same shape.
#include <gtest/gtest.h>

#include "task/candidate.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

using Type = TensorMapType;
template <class T>
using List = std::vector<T>;

Result<BoundCudaPlan> Bind(const Spec& spec, const std::string& map, const std::string& more = "") {
  std::string source = fmt::format("//@ tensormap map0 = {}\n{}//@ launch f grid(1) block(1) args(map0)\n", map, more);
  auto candidate = ParseCandidate(spec, Target::kCuda, source, "a.cu");
  if (!candidate) throw std::runtime_error(candidate.error().Text());
  CudaLimits limits;
  return BindCuda(spec, *candidate, {}, spec.shapes[0], DeviceValues(limits), limits);
}

BoundTensorMap Good(const std::string& map, const std::string& more = "") {
  auto plan = Bind(AttentionSpec(), map, more);
  if (!plan) throw std::runtime_error(plan.error().Text());
  return plan->tensormaps.at(0);
}

std::string Problem(const std::string& map, const Spec& spec = AttentionSpec(), const std::string& more = "") {
  auto plan = Bind(spec, map, more);
  return plan ? "no error" : plan.error().Text();
}

TEST(TensorMapTest, IsInnermostFirst) {
  BoundTensorMap map = Good("q dims [B, H, S, D] box [1, 2, 64, 32] swizzle 128 l2 256");
  EXPECT_EQ(map.name, "map0");
  EXPECT_EQ(map.tensor, "q");
  EXPECT_EQ(map.type, Type::kF32);
  EXPECT_EQ(map.dims, (List<uint64_t>{64, 128, 4, 2}));
  EXPECT_EQ(map.strides, (List<uint64_t>{256, 32768, 131072}));
  EXPECT_EQ(map.box, (List<uint32_t>{32, 64, 2, 1}));
  EXPECT_EQ(map.step, (List<uint32_t>{1, 1, 1, 1}));
  EXPECT_EQ(map.swizzle, 128);
  EXPECT_EQ(map.l2, 256);
  EXPECT_FALSE(map.nan_fill);
  EXPECT_EQ(map.line, 1);
}

TEST(TensorMapTest, TakesStridesStepsTypeAndFill) {
  BoundTensorMap map = Good("q type tf32 fill nan dims [S, B * H, D] strides [D, S * D] box [8, 4, 8] step [2, 3, 1]");
  EXPECT_EQ(map.type, Type::kTF32);
  EXPECT_TRUE(map.nan_fill);
  EXPECT_EQ(map.dims, (List<uint64_t>{64, 8, 128}));
  EXPECT_EQ(map.strides, (List<uint64_t>{32768, 256}));
  EXPECT_EQ(map.box, (List<uint32_t>{8, 4, 8}));
  EXPECT_EQ(map.step, (List<uint32_t>{1, 3, 2}));
}

TEST(TensorMapTest, OneDimHasNoStrides) {
  BoundTensorMap map = Good("partial dims [100] box [256]", "//@ scratch partial u8 [100]\n");
  EXPECT_EQ(map.type, Type::kU8);
  EXPECT_EQ(map.dims, List<uint64_t>{100});
  EXPECT_TRUE(map.strides.empty());
}

TEST(TensorMapTest, TheDefaultTypeHasTheElementsSize) {
  const std::pair<const char*, Type> types[] = {
      {"f64", Type::kF64}, {"f32", Type::kF32}, {"f16", Type::kF16}, {"bf16", Type::kBF16}, {"e4m3", Type::kU8},
      {"e5m2", Type::kU8}, {"i64", Type::kI64}, {"i32", Type::kI32}, {"i16", Type::kU16},   {"i8", Type::kU8},
      {"u64", Type::kU64}, {"u32", Type::kU32}, {"u16", Type::kU16}, {"u8", Type::kU8},     {"bool", Type::kU8}};
  for (auto [name, type] : types)
    EXPECT_EQ(Good("x dims [64] box [16]", fmt::format("//@ scratch x {} [64]\n", name)).type, type) << name;
}

TEST(TensorMapTest, OnlyMapsThatRunAreBound) {
  auto plan = Bind(AttentionSpec(), "q dims [B, D] box [1, 32]",
                   "//@ tensormap wrong = q dims [0] box [1]\n//@ launch f grid(1) block(1) args(wrong) when(S < 5)\n");
  ASSERT_TRUE(plan) << plan.error().Text();
  EXPECT_EQ(plan->tensormaps.size(), 1u);
}

TEST(TensorMapTest, TheAddressIsAMultipleOf16) {
  Spec spec = AttentionSpec();
  spec.tensors[0].align = 8;
  EXPECT_EQ(Problem("q dims [64] box [32]", spec),
            "a.cu:1: tensormap `map0`: the spec aligns `q` to 8 bytes; the driver demands a multiple of 16");
  spec.tensors[0].align = 16;
  EXPECT_EQ(Problem("q dims [64] box [32]", spec), "no error");
}

TEST(TensorMapTest, TheTypeHasTheElementsSize) {
  EXPECT_EQ(Problem("q dims [64] box [32] type f16"),
            "a.cu:1: tensormap `map0`: the type f16 has 2 bytes, an element of `q` has 4");
}

TEST(TensorMapTest, NanIsForFloatingTypes) {
  EXPECT_EQ(Problem("q dims [64] box [32] type i32 fill nan"),
            "a.cu:1: tensormap `map0`: `fill nan` is for floating types, not for i32");
  EXPECT_TRUE(Good("v dims [64] box [32] fill nan").nan_fill);
}

TEST(TensorMapTest, BoundsDims) {
  EXPECT_EQ(Problem("q dims [S - 128] box [32]"),
            "a.cu:1: tensormap `map0`: the dim `S - 128` is 0; it must be 1 to 4294967296");
  EXPECT_EQ(Problem("q dims [pow(2, 32) + 1, 4] strides [0] box [1, 4]"),
            "a.cu:1: tensormap `map0`: the dim `pow(2, 32) + 1` is 4294967297; it must be 1 to 4294967296");
  EXPECT_EQ(Good("q dims [pow(2, 32), 4] strides [0] box [1, 4]").dims, (List<uint64_t>{4, 4294967296}));
}

TEST(TensorMapTest, BoundsStrides) {
  const std::string rule = "; in bytes it must be a multiple of 16 from 0 to below 2^40";
  EXPECT_EQ(Problem("v dims [S, 12] box [1, 8]"),
            "a.cu:1: tensormap `map0`: the stride of the dim `S` is 12 elements of 2 bytes" + rule);
  EXPECT_EQ(Problem("q dims [S, D] strides [-D] box [1, 8]"),
            "a.cu:1: tensormap `map0`: the stride of the dim `S` is -64 elements of 4 bytes" + rule);
  EXPECT_EQ(Problem("q dims [1, D] strides [pow(2, 38)] box [1, 8]"),
            "a.cu:1: tensormap `map0`: the stride of the dim `1` is 274877906944 elements of 4 bytes" + rule);
  EXPECT_EQ(Good("q dims [1, D] strides [pow(2, 38) - 4] box [1, 8]").strides[0], (1u << 30) * 1024ull - 16);
  EXPECT_EQ(Problem("q dims [1, 1, D] strides [pow(2, 62), 64] box [1, 1, 4]"),
            "a.cu:1: tensormap `map0`: the stride of the dim `1` is 4611686018427387904 elements of 4 bytes" + rule);
  // Dense ones that do not even fit 64 bits.
  EXPECT_EQ(Problem("q dims [1, pow(2, 31), pow(2, 32)] box [1, 1, 4]"),
            "a.cu:1: tensormap `map0`: the stride of the dim `1` is 9223372036854775807 elements of 4 bytes" + rule);
}

TEST(TensorMapTest, ReachesOnlyIntoItsTensor) {
  EXPECT_EQ(Problem("q dims [B * H * S + 1, D] box [1, 8]"),
            "a.cu:1: tensormap `map0`: its dims and strides reach over 262400 bytes; `q` has 262144");
  EXPECT_EQ(Problem("q dims [pow(2, 32), pow(2, 32), 4] strides [pow(2, 37), pow(2, 37)] box [1, 1, 4]"),
            "a.cu:1: tensormap `map0`: its dims and strides reach over more than 2^64 bytes; `q` has 262144");
  EXPECT_EQ(Problem("s dims [3] box [4]", AttentionSpec(), "//@ scratch s f32 [2]\n"),
            "a.cu:1: tensormap `map0`: its dims and strides reach over 12 bytes; `s` has 8");
  EXPECT_EQ(Good("q dims [B * H * S - 1, D] strides [D] box [1, 8]").dims[1], 1023u);
  EXPECT_EQ(Problem("q dims [S, D] strides [4] box [1, 8]"), "no error") << "rows may overlap";
}

TEST(TensorMapTest, BoundsBoxes) {
  EXPECT_EQ(Problem("q dims [S, D] box [0, 8]"),
            "a.cu:1: tensormap `map0`: the box extent `0` is 0; it must be 1 to 256");
  EXPECT_EQ(Problem("q dims [S, D] box [257, 8]"),
            "a.cu:1: tensormap `map0`: the box extent `257` is 257; it must be 1 to 256");
  EXPECT_EQ(Problem("q dims [S, D] box [1, 6]"),
            "a.cu:1: tensormap `map0`: the innermost box extent `6` has 24 bytes; they must be a multiple of 16");
}

TEST(TensorMapTest, TheSwizzleHoldsTheInnerBox) {
  EXPECT_EQ(
      Problem("q dims [S, D] box [1, D] swizzle 128"),
      "a.cu:1: tensormap `map0`: the innermost box extent `D` has 256 bytes; with swizzle 128 there can be at most "
      "128");
  EXPECT_EQ(
      Problem("q dims [S, D] box [1, 12] swizzle 32"),
      "a.cu:1: tensormap `map0`: the innermost box extent `12` has 48 bytes; with swizzle 32 there can be at most "
      "32");
  EXPECT_EQ(Good("q dims [S, D] box [1, 16] swizzle 64").swizzle, 64);
  EXPECT_EQ(Good("q dims [S, D] box [1, D] swizzle 0").box[0], 64u);
}

TEST(TensorMapTest, BoundsSteps) {
  EXPECT_EQ(Problem("q dims [S, D] box [1, 8] step [0, 1]"),
            "a.cu:1: tensormap `map0`: the step `0` is 0; it must be 1 to 8");
  EXPECT_EQ(Problem("q dims [S, D] box [1, 8] step [9, 1]"),
            "a.cu:1: tensormap `map0`: the step `9` is 9; it must be 1 to 8");
  EXPECT_EQ(Problem("q dims [S, D] box [1, 8] step [1, 2]"),
            "a.cu:1: tensormap `map0`: the innermost step `2` is 2; it must be 1: the hardware ignores it");
}

TEST(TensorMapTest, ABoxFitsSharedMemory) {
  EXPECT_EQ(Problem("q dims [B * H, S, D] box [8, 128, 64]"),
            "a.cu:1: tensormap `map0`: its box has 262144 bytes; the shared memory of a block has 232448");
  EXPECT_EQ(Problem("q dims [B * H, S, D] box [8, 128, 64] step [2, 1, 1]"), "no error");
}

TEST(TensorMapTest, NamesWhatHasNoValue) {
  EXPECT_EQ(Problem("q dims [S / (B - 2), D] box [1, 8]"), "a.cu:1: `S / (B - 2)` has no value: division by zero");
}

}  // namespace
}  // namespace kopt
