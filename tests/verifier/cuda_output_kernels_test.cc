// The kernels that judge outputs, from the text that NVRTC compiles, as threads of the host.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "task/fill_text.h"
#include "tests/verifier/spec_builder.h"
#include "tests/verifier/thread_grid.h"
#include "tests/verifier/wrong_element.h"
#include "verifier/core/power.h"
#include "verifier/cuda/oracle_text.h"
#include "verifier/cuda/output_kernels.cuh"

namespace kopt {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr unsigned kThreads = 4;

// An output with a truth and a storage, both random.
class Case {
 public:
  Case(DType type, bool strided, long long rows)
      : spec_(SpecOf({{"R", rows}, {"C", 37}}, {Output("o", type, {"R", "C"})}, {})) {
    if (strided) tensor().strides = ExprsOf({"C + 5", "1"});
    bound_ = Bind(spec_, spec_.shapes[0])->tensors[0];
    const size_t n = static_cast<size_t>(bound_.elements);
    if (IsFloating(type)) {
      value.resize(n);
      variance.resize(n);
    } else {
      integer.resize(n);
      owner.resize(n, 1);
    }
    storage.resize(bound_.bytes);
  }

  Tensor& tensor() { return spec_.tensors[0]; }
  const BoundTensor& bound() const { return bound_; }
  DType type() const { return spec_.tensors[0].dtype; }
  StorageLayout layout() const { return LayoutOf(bound_); }
  Truth truth() const { return {.value = value, .variance = variance, .integer = integer, .owner = owner}; }
  OutputTruth device_truth() const {
    const auto pointer = [](const auto& vector) { return vector.empty() ? nullptr : vector.data(); };
    return {pointer(value), pointer(variance), pointer(integer), pointer(owner)};
  }

  // `errors`: of the elements, are off by some deviations; `odd`: have a truth or a result out of the ordinary.
  void Draw(std::mt19937_64& random, double errors, double odd) {
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform;
    const double special[] = {0, -0.0, kInf, -kInf, kNan, 1e-46, 65520, -448, 1e300, 3.4e38};
    for (size_t i = 0; i < static_cast<size_t>(bound_.elements); ++i) {
      const size_t at = static_cast<size_t>(bound_.Offset(static_cast<long long>(i)));
      if (!IsFloating(type())) {
        integer[i] = static_cast<long long>(random() >> (random() % 64));
        if (uniform(random) < 0.5) integer[i] &= 1;
        StoreInt(type(), storage.data(), at, integer[i] + (uniform(random) < errors ? 1 : 0));
        if (uniform(random) < odd) owner[i] = 0;
        if (uniform(random) < odd) storage[at * Size(type())] = std::byte{0x7f};
        continue;
      }
      const double x = uniform(random) < odd ? special[random() % 10] : normal(random);
      value[i] = uniform(random) < 0.3 ? RoundTo(type(), x) : x;
      variance[i] = uniform(random) < odd ? -1 : uniform(random) < 0.3 ? 0 : 1e-10 * x * x;
      if (!std::isfinite(value[i]) && variance[i] > 0) variance[i] = 0;
      double got = value[i];
      if (uniform(random) < errors) got += 10 * normal(random) * DeviationOf(type(), got, variance[i]);
      if (uniform(random) < odd) got = special[random() % 10];
      StoreReal(type(), storage.data(), at, got);
    }
  }

  // Right answers, whose truths are not exact.
  void Answer() {
    for (long long i = 0; i < bound_.elements; ++i) {
      const auto at = static_cast<size_t>(i), place = static_cast<size_t>(bound_.Offset(i));
      if (IsFloating(type())) {
        value[at] = RealTruth(i);
        variance[at] = kTruthVariance;
        StoreReal(type(), storage.data(), place, value[at]);
      } else {
        integer[at] = IntegerTruth(type(), i);
        StoreInt(type(), storage.data(), place, integer[at]);
      }
    }
  }
  void Spoil(long long i, Wrong wrong) {
    const auto at = static_cast<size_t>(i), place = static_cast<size_t>(bound_.Offset(i));
    if (IsFloating(type()))
      StoreWrongReal(wrong, type(), storage.data(), place, value[at], variance[at]);
    else
      StoreWrongInteger(wrong, type(), storage.data(), place, integer[at]);
  }

  Comparison ByKernel() const { return ByKernel(static_cast<unsigned>(JudgeBlocks(layout())), kThreads); }
  Comparison ByKernel(unsigned blocks, unsigned threads) const {
    std::vector<ComparePart> parts(blocks);
    Launch(blocks, threads, kopt_compare, RuleOf(spec_.tensors[0]), layout(), device_truth(), storage.data(),
           parts.data());
    return FinishComparison(bound_, parts);
  }

  std::vector<double> value, variance;
  std::vector<long long> integer;
  std::vector<uint32_t> owner;
  std::vector<std::byte> storage;

 private:
  Spec spec_;
  BoundTensor bound_;
};

void ExpectEqual(const Comparison& a, const Comparison& b) {
  EXPECT_EQ(a.pass, b.pass);
  EXPECT_EQ(a.compared, b.compared);
  EXPECT_EQ(a.wrong, b.wrong);
  EXPECT_EQ(a.largest, b.largest);
  EXPECT_EQ(a.worst, b.worst);
  EXPECT_EQ(a.deviation, b.deviation);
  EXPECT_EQ(std::isfinite(a.rms), std::isfinite(b.rms));
  if (std::isfinite(b.rms)) {
    EXPECT_NEAR(a.rms, b.rms, 1e-9 * b.rms);
  }
  EXPECT_EQ(a.reason, b.reason);
}

TEST(CudaOutputKernels, CompareAsTheHostDoes) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 16; ++round)
    for (int t = 0; t < kDTypeCount; ++t) {
      Case one(static_cast<DType>(t), round % 2 != 0, round < 2 ? 300 : 5);
      if (round / 2 % 4 == 1) one.tensor().compare = Compare::kExact;
      if (round / 2 % 4 == 2) one.tensor().rtol = 1e-3;
      if (round / 2 % 4 == 2) one.tensor().atol = 1e-6;
      if (round % 3 == 1) one.tensor().nonfinite = NonFinite::kAny;
      if (round % 5 == 4) one.tensor().nonfinite = NonFinite::kForbidden;
      one.Draw(random, round % 4 == 0 ? 0 : 0.3, round < 8 ? 0 : 0.05);
      SCOPED_TRACE(fmt::format("round {} {}", round, Name(one.type())));
      ExpectEqual(one.ByKernel(), CompareOutput(one.bound(), one.truth(), one.storage));
    }
}

TEST(CudaOutputKernels, OneWrongElementIsRefusedWhereverItStands) {
  for (int t = 0; t < kDTypeCount; ++t) {
    for (const bool strided : {false, true}) {
      Case right(static_cast<DType>(t), strided, 3);
      right.Answer();
      ASSERT_TRUE(right.ByKernel().pass) << right.ByKernel().reason;
      for (long long i = 0; i < right.bound().elements; ++i) {
        const Wrong wrong = kWrongs[static_cast<size_t>(i + t) % std::size(kWrongs)];
        Case one = right;
        one.Spoil(i, wrong);
        const Comparison c = one.ByKernel(3, 2);
        ASSERT_FALSE(c.pass) << Name(one.type()) << " " << i;
        ASSERT_EQ(c.wrong, 1) << c.reason;
        ASSERT_EQ(c.worst, i) << c.reason;
      }
    }
  }
}

TEST(CudaOutputKernels, TheFirstOfTheWorstElementsIsNamed) {
  Case one(DType::kI32, false, 300);
  for (size_t i : {4999u, 7000u, 11000u}) one.integer[i] = 1;
  const Comparison c = one.ByKernel();
  EXPECT_EQ(c.worst, 4999);
  EXPECT_EQ(c.reason, "o[135, 4] is 0, the truth 1; 3 of 11100 elements are wrong");
}

TEST(CudaOutputKernels, InputsAreDrawnAsOnTheHost) {
  for (const char* text : {"normal(1, 2)", "uniform(-3, 0.5)", "int(-2, 100)", "int(0, 1)", "index", "permutation"}) {
    const auto fill = ParseFill(text);
    ASSERT_TRUE(fill) << text;
    for (int t = 0; t < kDTypeCount; ++t) {
      for (const bool strided : {false, true}) {
        const Case one(static_cast<DType>(t), strided, 11);
        if (!CheckFill(*fill, one.type())) continue;
        std::vector<std::byte> host(one.bound().bytes), device(one.bound().bytes);
        ASSERT_TRUE(FillTensor(Spec(), one.bound(), *fill, 99, host));
        const Distribution drawn = DistributionOf(one.bound(), *fill, 99);
        if (strided) Launch(3, kThreads, kopt_fill_gaps, uint64_t{99}, 1ULL * device.size(), device.data());
        Launch(3, kThreads, kopt_draw, one.layout(), drawn, device.data());
        EXPECT_EQ(host, device) << text << " as " << Name(one.type()) << (strided ? ", strided" : "");
      }
    }
  }
}

TEST(CudaOutputKernels, TheTruthIsStoredRoundedOrItsComplement) {
  std::mt19937_64 random(9);
  for (int t = 0; t < kDTypeCount; ++t) {
    Case one(static_cast<DType>(t), true, 3);
    one.Draw(random, 0, 0.05);
    std::vector<std::byte> want = RoundTruth(one.bound(), one.truth());
    std::fill(one.storage.begin(), one.storage.end(), std::byte{0});
    Launch(2, kThreads, kopt_store_truth, one.layout(), one.device_truth(), 0, one.storage.data());
    EXPECT_EQ(one.storage, want);
    for (std::byte& byte : want) byte = ~byte;
    std::fill(one.storage.begin(), one.storage.end(), std::byte{0xFF});
    Launch(2, kThreads, kopt_store_truth, one.layout(), one.device_truth(), 1, one.storage.data());
    EXPECT_EQ(one.storage, want);
  }
}

TEST(CudaOutputKernels, TheFirstUnwrittenElementIsFound) {
  std::vector<uint32_t> owner(100, 1);
  unsigned long long first = ~0ULL;
  const auto find = [&] { Launch(2, kThreads, kopt_first_unwritten, owner.data(), 100LL, &first); };
  find();
  EXPECT_EQ(first, ~0ULL);
  owner[97] = owner[60] = 0;
  find();
  EXPECT_EQ(first, 60U);
}

}  // namespace
}  // namespace kopt
