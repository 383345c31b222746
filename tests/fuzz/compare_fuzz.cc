// The comparison of outputs with the truth against another one that is written here, from docs/verdicts.md: element by
// element, in long double, with its own reading of the formats.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "verifier/core/compare.h"

namespace kopt {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr long long kMostElements = 2500;
// Within this of a limit both answers are right; below kTinyVariance the squares of errors are no longer exact.
constexpr long double kClose = 1e-9L;
constexpr double kTinyVariance = 1e-280;

// ---- the formats ----

struct Format {
  int exponent_bits, fraction_bits;
  bool has_infinity;
  double largest, overflow;  // from `overflow` on, values round to what stands for overflow
};

Format FormatOf(DType type) {
  switch (type) {
    case DType::kF64:
      return {11, 52, true, 0x1.fffffffffffffp1023, kInf};
    case DType::kF32:
      return {8, 23, true, 0x1.fffffep127, 0x1.ffffffp127};
    case DType::kF16:
      return {5, 10, true, 65504, 65520};
    case DType::kBF16:
      return {8, 7, true, 0x1.fep127, 0x1.ffp127};
    case DType::kE4M3:
      return {4, 3, false, 448, 464};
    default:
      return {5, 2, true, 57344, 61440};
  }
}

double Decode(const Format& format, uint64_t bits) {
  const int f = format.fraction_bits, bias = (1 << (format.exponent_bits - 1)) - 1;
  const auto exponent = static_cast<int>(bits >> f & ((1U << format.exponent_bits) - 1));
  const uint64_t fraction = bits & ((uint64_t{1} << f) - 1);
  const double sign = (bits >> (f + format.exponent_bits) & 1) != 0 ? -1 : 1;
  const int top = (1 << format.exponent_bits) - 1;
  if (format.has_infinity && exponent == top) return fraction != 0 ? kNan : sign * kInf;
  if (!format.has_infinity && exponent == top && fraction == (uint64_t{1} << f) - 1) return kNan;
  if (exponent == 0) return sign * std::ldexp(static_cast<double>(fraction), 1 - bias - f);
  return sign * std::ldexp(static_cast<double>(fraction + (uint64_t{1} << f)), exponent - bias - f);
}

// Distance of neighbours around a finite x.
long double Spacing(const Format& format, double x) {
  const int lowest = 2 - (1 << (format.exponent_bits - 1));
  const int exponent = x == 0 ? lowest : std::max(std::ilogb(x), lowest);
  return std::ldexp(1.0L, exponent - format.fraction_bits);
}

bool IsRepresentable(const Format& format, double x) {
  if (std::fabs(x) > format.largest) return false;
  const long double steps = x / Spacing(format, x);
  return steps == std::nearbyint(steps);
}

double Rounded(const Format& format, double x) {
  const long double spacing = Spacing(format, x);
  const auto rounded = static_cast<double>(std::nearbyint(x / spacing) * spacing);
  if (std::fabs(rounded) <= format.largest) return rounded;
  return format.has_infinity ? std::copysign(kInf, x) : kNan;
}

// ---- the rule ----

enum class Fate { kSkipped, kRight, kWrong, kUnclear };

struct Fared {
  Fate fate = Fate::kSkipped;
  long double z = 0;
};
Fared Exact(bool right) { return {right ? Fate::kRight : Fate::kWrong, 0}; }

bool StandsFor(const Format& format, double got, double sign_of) {
  return format.has_infinity ? got == std::copysign(kInf, sign_of) : std::isnan(got);
}

Fared JudgeFloating(const Tensor& tensor, double got, double want, double variance) {
  const Format format = FormatOf(tensor.dtype);
  if (variance < 0) return {};
  if (!std::isfinite(want)) {
    if (tensor.nonfinite == NonFinite::kAny) return {};
    if (tensor.nonfinite == NonFinite::kForbidden) return {Fate::kWrong};
    return Exact(std::isnan(want) ? std::isnan(got) : StandsFor(format, got, want));
  }
  const bool tolerance = tensor.rtol || tensor.atol;
  const double limit = tensor.atol.value_or(0) + tensor.rtol.value_or(0) * std::fabs(want);
  const long double variance_of_truth = variance > 0 ? variance : 0;
  // u |v|, at least half the spacing of subnormals; a third of its square.
  const long double rounding = std::max(
      std::ldexp(std::fabs(static_cast<long double>(want)), -format.fraction_bits - 1), Spacing(format, 0) / 2);
  const bool equality = variance_of_truth == 0 && IsRepresentable(format, want);
  const long double deviation = equality ? 0 : std::sqrt(variance_of_truth + rounding * rounding / 3);
  const long double largest = equality ? 0 : std::sqrt(1024 * variance_of_truth + 16 * rounding * rounding);
  if (!std::isfinite(got)) {
    if (tensor.nonfinite == NonFinite::kForbidden || !StandsFor(format, got, want)) return {Fate::kWrong};
    const long double reach = tolerance ? limit : tensor.compare == Compare::kExact ? 0 : largest;
    const long double most = std::fabs(want) + reach;
    if (std::fabs(most / format.overflow - 1) < kClose) return {Fate::kUnclear};
    return Exact(most >= format.overflow);
  }
  if (tolerance) return Exact(std::fabs(got - want) <= limit);
  if (tensor.compare == Compare::kExact) return Exact(got == Rounded(format, want));
  if (deviation == 0) return Exact(got == want);
  const long double error = std::fabs(static_cast<long double>(got) - want);
  const long double close = variance > 0 && variance < kTinyVariance ? 0.03L : kClose;
  if (std::fabs(error / largest - 1) < close) return {Fate::kUnclear};
  return {error > largest ? Fate::kWrong : Fate::kRight, error / deviation};
}

using Wide = __int128;  // NOLINT: holds the difference of any two integers

Fared JudgeWhole(const Tensor& tensor, Wide got, Wide want) {
  if (tensor.dtype == DType::kBool && (got < 0 || got > 1)) return {Fate::kWrong};
  if (!tensor.rtol && !tensor.atol) return Exact(got == want);
  const Wide error = got > want ? got - want : want - got;
  const double limit = tensor.atol.value_or(0) + tensor.rtol.value_or(0) * std::fabs(static_cast<double>(want));
  return Exact(static_cast<double>(static_cast<uint64_t>(error)) <= limit);
}

Wide WholeOf(DType type, uint64_t bits) {
  const int unused = 64 - 8 * static_cast<int>(Size(type));
  if (type != DType::kBool && IsSigned(type)) return static_cast<int64_t>(bits << unused) >> unused;
  return bits << unused >> unused;
}

// ---- an output, and what is said of it ----

struct Case {
  Tensor tensor{.name = "o", .role = Tensor::Role::kOutput};
  BoundTensor bound;
  std::vector<double> value, variance;
  std::vector<long long> integer;
  std::vector<uint32_t> owner;
  std::vector<std::byte> storage;

  bool IsReal() const { return IsFloating(tensor.dtype); }
  size_t At(long long i) const {  // by coordinates, not by BoundTensor::Offset
    long long at = 0;
    for (size_t d = bound.shape.size(); d-- > 0; i /= bound.shape[d]) at += i % bound.shape[d] * bound.strides[d];
    return static_cast<size_t>(at);
  }
  uint64_t Bits(long long i) const {
    uint64_t bits = 0;
    std::memcpy(&bits, storage.data() + At(i) * Size(tensor.dtype), Size(tensor.dtype));
    return bits;
  }
  void Put(long long i, uint64_t bits) {
    std::memcpy(storage.data() + At(i) * Size(tensor.dtype), &bits, Size(tensor.dtype));
  }
  Fared Judge(long long i) const {
    const auto at = static_cast<size_t>(i);
    if (IsReal()) return JudgeFloating(tensor, Decode(FormatOf(tensor.dtype), Bits(i)), value[at], variance[at]);
    if (!owner.empty() && owner[at] == 0) return {};
    const Wide want = tensor.dtype == DType::kU64 ? Wide{static_cast<uint64_t>(integer[at])} : Wide{integer[at]};
    return JudgeWhole(tensor, WholeOf(tensor.dtype, Bits(i)), want);
  }
  Truth truth() const { return {.value = value, .variance = variance, .integer = integer, .owner = owner}; }
};

double DoubleOf(Bytes& bytes) {
  constexpr double kSpecial[] = {0,     -0.0,  1,     -1,  0.5, 0.1,   kInf,  -kInf, kNan,   1e-46,  1e-300,
                                 65504, 65519, 65520, 448, 464, 57344, 61440, 1e300, -1e300, 3.4e38, 0x1p-149};
  const uint8_t choice = bytes.Byte();
  if (choice < 128) return kSpecial[choice % std::size(kSpecial)];
  if (choice < 192) return static_cast<double>(static_cast<int16_t>(bytes.Number(2))) / 64;
  const uint64_t bits = bytes.Number(8);
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// What a spec may say: at least 0, finite.
std::optional<double> ToleranceOf(Bytes& bytes) {
  constexpr double kUsual[] = {0, 1e-6, 1e-3, 0.01, 1, 100};
  const uint8_t choice = bytes.Byte();
  if (choice < 160) return std::nullopt;
  return kUsual[choice % std::size(kUsual)];
}

double VarianceOf(Bytes& bytes, double value) {
  switch (bytes.Byte() % 6) {
    case 0:
      return 0;
    case 1:
      return -1;
    case 2:
      return 1e-12 * value * value;
    case 3:
      return 1e-4;
    case 4:
      return std::fabs(DoubleOf(bytes));
    default:
      return 1e-30;
  }
}

void ReadShape(Bytes& bytes, BoundTensor& bound) {
  const size_t rank = bytes.Byte() % 4;
  bound.elements = 1;
  for (size_t d = 0; d < rank; ++d) {
    const auto extent = static_cast<long long>(bytes.Byte());
    bound.shape.push_back(std::clamp(extent < 250 ? extent : 20 * extent - 4000, 1LL, kMostElements / bound.elements));
    bound.elements *= bound.shape.back();
  }
  // Dense, or with the first axis innermost, or with gaps.
  const uint8_t layout = bytes.Byte();
  bound.strides.resize(rank);
  bound.span = 1;
  long long next = 1;
  for (size_t k = 0; k < rank; ++k) {
    const size_t d = layout % 3 == 1 ? k : rank - 1 - k;
    bound.strides[d] = next;
    bound.span += (bound.shape[d] - 1) * next;
    next *= bound.shape[d];
    if (layout % 3 == 2) next += layout / 3 % 4;
  }
}

Case ReadCase(Bytes& bytes) {
  Case one;
  Tensor& tensor = one.tensor;
  tensor.dtype = static_cast<DType>(bytes.Byte() % kDTypeCount);
  tensor.compare = static_cast<Compare>(bytes.Byte() % 3);
  tensor.nonfinite = static_cast<NonFinite>(bytes.Byte() % 3);
  tensor.rtol = ToleranceOf(bytes);
  tensor.atol = ToleranceOf(bytes);
  ReadShape(bytes, one.bound);
  one.bound.bytes = static_cast<size_t>(one.bound.span) * Size(tensor.dtype);
  one.storage.resize(one.bound.bytes);
  const auto n = static_cast<size_t>(one.bound.elements);
  // A few elements, again and again; then single ones otherwise.
  struct Element {
    double value, variance;
    long long integer;
    uint32_t owner;
  };
  std::vector<Element> pattern(size_t{1} + bytes.Byte() % 7);
  for (Element& element : pattern) {
    element.value = DoubleOf(bytes);
    element.variance = VarianceOf(bytes, element.value);
    element.integer = static_cast<long long>(bytes.Number(bytes.Byte() % 9));
    element.owner = bytes.Byte() % 8;
  }
  const bool owned = bytes.Byte() % 2 != 0;
  for (size_t i = 0; i < n; ++i) {
    const Element& element = pattern[i % pattern.size()];
    const size_t at = one.At(static_cast<long long>(i));
    if (one.IsReal()) {
      one.value.push_back(element.value);
      one.variance.push_back(element.variance);
      StoreReal(tensor.dtype, one.storage.data(), at, element.value);
    } else {
      one.integer.push_back(element.integer);
      if (owned) one.owner.push_back(element.owner);
      StoreInt(tensor.dtype, one.storage.data(), at, element.integer);
    }
  }
  while (!bytes.empty()) {
    const auto i = static_cast<long long>(bytes.Number(2) % n);
    const uint8_t choice = bytes.Byte();
    if (choice % 2 == 0) {
      one.Put(i, bytes.Number(static_cast<int>(Size(tensor.dtype))));
    } else {
      one.Put(i, one.Bits(i) + static_cast<uint64_t>(int64_t{choice} / 2 - 64));  // some units in the last place
    }
  }
  return one;
}

// As kernels do it: in parts, by the rule for one element.
Comparison InParts(const Case& one, long long part_elements) {
  const CompareRule rule = RuleOf(one.tensor);
  std::vector<ComparePart> parts;
  for (long long i = 0; i < one.bound.elements; ++i) {
    if (i % part_elements == 0) parts.emplace_back();
    const auto at = static_cast<size_t>(i);
    const auto offset = static_cast<long long>(one.At(i));
    if (one.IsReal()) {
      parts.back().AddReal(rule, i, LoadReal(rule.dtype, one.storage.data(), one.At(i)), one.value[at],
                           one.variance[at]);
    } else if (one.owner.empty() || one.owner[at] != 0) {
      parts.back().AddInteger(rule, i, LoadStored(rule.dtype, one.storage.data(), offset), one.integer[at]);
    }
  }
  return FinishComparison(one.bound, parts);
}

void CheckAgainst(const Case& one, const Comparison& said) {
  long long compared = 0, wrong = 0, first_wrong = -1;
  long double sum = 0;
  for (long long i = 0; i < one.bound.elements; ++i) {
    const Fared fared = one.Judge(i);
    if (fared.fate == Fate::kUnclear) return;
    compared += fared.fate != Fate::kSkipped;
    sum += fared.z * fared.z;
    if (fared.fate != Fate::kWrong) continue;
    if (wrong++ == 0) first_wrong = i;
  }
  Require(said.compared == compared, "as many elements are compared");
  Require(said.wrong == wrong, "as many elements are wrong");
  const bool plain = one.IsReal() && one.tensor.compare == Compare::kClose && !one.tensor.rtol && !one.tensor.atol;
  const long double rms = compared > 0 ? std::sqrt(sum / static_cast<long double>(compared)) : 0;
  const long double most = 3 + 1 / std::sqrt(static_cast<long double>(std::max<long long>(compared, 1)));
  if (wrong == 0 && plain && std::fabs(rms / most - 1) < kClose) return;
  Require(said.pass == (wrong == 0 && !(plain && rms > most)), "the answer is the same");
  if (wrong == 1) Require(said.worst == first_wrong, "the wrong element is named");
  if (wrong > 1) Require(one.Judge(said.worst).fate == Fate::kWrong, "a wrong element is named");
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kopt;
  Bytes bytes(data, size);
  const long long part = bytes.Byte() + 1;
  Case one = ReadCase(bytes);
  one.bound.tensor = &one.tensor;
  const Comparison whole = CompareOutput(one.bound, one.truth(), one.storage);
  Require(whole.reason.empty() == whole.pass && whole.reason.size() < 1000, "a refusal has a reason");
  if (one.tensor.compare == Compare::kAny) return Require(whole.pass, "anything is right"), 0;
  CheckAgainst(one, whole);
  const Comparison parts = InParts(one, part);
  Require(parts.compared == whole.compared && parts.wrong == whole.wrong, "parts count what the whole counts");
  // The whole compares squares where nothing is wrong: they may be equal, or 0, where the errors differ. Squares
  // below 1e-324 vanish, of errors that may be a ten billionth of a deviation.
  const bool as_large = whole.wrong == 0 && parts.largest - whole.largest <= 1e-12 * parts.largest + 1e-9;
  Require(parts.worst == whole.worst || as_large, "parts name the element that the whole names");
  return 0;
}
