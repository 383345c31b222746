#include "verifier/core/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "task/dtype.h"

namespace kopt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr long long kBlock = 1024;  // elements that are loaded and scanned together

bool HasTolerance(const Tensor& tensor) { return tensor.rtol.has_value() || tensor.atol.has_value(); }
double Limit(const Tensor& tensor, double want) {
  return tensor.atol.value_or(0) + tensor.rtol.value_or(0) * std::abs(want);
}

// Calls visit(first logical index, count, storage index of the first, step) for stretches of evenly spaced elements.
template <class Visit>
void ForEachStretch(const BoundTensor& tensor, Visit visit) {
  long long dense = 1;
  bool row_major = true;
  for (size_t d = tensor.shape.size(); d-- > 0; dense *= tensor.shape[d])
    row_major = row_major && (tensor.strides[d] == dense || tensor.shape[d] == 1);
  const long long row = row_major ? tensor.elements : tensor.shape.back();
  const long long step = row_major ? 1 : tensor.strides.back();
  for (long long begin = 0; begin < tensor.elements; begin += row) {
    const long long offset = row_major ? begin : tensor.Offset(begin);
    for (long long i = 0; i < row; i += kBlock) visit(begin + i, std::min(kBlock, row - i), offset + i * step, step);
  }
}

template <class T>
void LoadAs(const std::byte* data, long long offset, long long step, std::span<double> to) {
  for (double& x : to) {
    T value;
    std::memcpy(&value, data + static_cast<size_t>(offset) * sizeof(T), sizeof value);
    x = static_cast<double>(value);
    offset += step;
  }
}

void Load(DType type, const std::byte* data, long long offset, long long step, std::span<double> to) {
  if (type == DType::kF32) return LoadAs<float>(data, offset, step, to);
  if (type == DType::kF64) return LoadAs<double>(data, offset, step, to);
  for (double& x : to) {
    x = LoadReal(type, data, static_cast<size_t>(offset));
    offset += step;
  }
}

// How one element fares.
struct Judgement {
  bool compared = true;
  bool wrong = false;
  double z = 0;  // |error| in deviations, or in tolerances; infinite where nothing but equality will do
  double deviation = 0;
};
Judgement Exact(bool right) { return {.wrong = !right, .z = right ? 0 : kInfinity}; }

// The largest error of an output's own rounding.
double RoundingError(DType type, double value) {
  return std::max(UnitRoundoff(type) * std::abs(value), SmallestSubnormal(type) / 2);
}
double RoundingVariance(DType type, double value) {
  return RoundingError(type, value) * RoundingError(type, value) / 3;
}

// The rule for one floating output.
class Rule {
 public:
  explicit Rule(const Tensor& tensor) : tensor_(tensor), overflow_(OverflowThreshold(tensor.dtype)) {}

  bool IsPlain() const { return tensor_.compare == Compare::kClose && !HasTolerance(tensor_); }

  Judgement Judge(double got, double want, double variance) const {
    if (variance < 0) return {.compared = false};
    if (!std::isfinite(want)) return JudgeNonFinite(got, want);
    if (!std::isfinite(got)) return Exact(IsOverflow(got, want, variance));
    const double error = std::abs(got - want);
    if (HasTolerance(tensor_)) {
      const double limit = Limit(tensor_, want);
      return {.wrong = error > limit, .z = error > 0 ? error / limit : 0, .deviation = limit};
    }
    if (tensor_.compare == Compare::kExact) return Exact(got == RoundTo(tensor_.dtype, want));
    const double deviation = Deviation(want, variance);
    if (deviation == 0) return Exact(error == 0);
    const double z = error / deviation;
    return {.wrong = z > kLargestDeviations, .z = z, .deviation = deviation};
  }

 private:
  double Deviation(double want, double variance) const { return DeviationOf(tensor_.dtype, want, variance); }
  // What a value of that sign beyond the largest finite one is stored as.
  bool StandsForOverflow(double got, bool negative) const {
    return tensor_.dtype == DType::kE4M3 ? std::isnan(got) : std::isinf(got) && std::signbit(got) == negative;
  }
  Judgement JudgeNonFinite(double got, double want) const {
    if (tensor_.nonfinite == NonFinite::kAny) return {.compared = false};
    if (tensor_.nonfinite == NonFinite::kForbidden) return Exact(false);
    if (std::isnan(want)) return Exact(std::isnan(got));
    return Exact(StandsForOverflow(got, want < 0));
  }
  // A finite truth, a result that is not: right where an admissible error takes the truth over the threshold.
  bool IsOverflow(double got, double want, double variance) const {
    if (tensor_.nonfinite == NonFinite::kForbidden || !StandsForOverflow(got, std::signbit(want))) return false;
    double reach = kLargestDeviations * Deviation(want, variance);
    if (tensor_.compare == Compare::kExact) reach = 0;
    if (HasTolerance(tensor_)) reach = Limit(tensor_, want);
    return std::abs(want) + reach >= overflow_;
  }

  const Tensor& tensor_;
  double overflow_;
};

// The sums over a block, valid unless `special`: then some element needs Rule::Judge.
struct Scan {
  double sum = 0;      // of z^2
  double largest = 0;  // z^2
  bool special = false;
};

Scan ScanBlock(const double* got, const double* want, const double* variance, long long count, double relative,
               double least) {
  Scan scan;
  bool special = false;
  for (long long i = 0; i < count; ++i) {
    const double error = got[i] - want[i];
    const double rounding = relative * want[i] * want[i];
    const double square = variance[i] + (rounding > least ? rounding : least);
    const double z2 = error * error / square;
    scan.sum += z2;
    scan.largest = z2 > scan.largest ? z2 : scan.largest;
    // Also true for NaN; an infinite result has an infinite z^2.
    special |=
        !(z2 <= kLargestDeviations * kLargestDeviations) | !(variance[i] >= 0) | ((variance[i] == 0) & (error != 0));
  }
  scan.special = special;
  return scan;
}

// What accumulates over the elements of an output.
class Tally {
 public:
  void Add(long long index, const Judgement& judgement, double got, double want) {
    if (!judgement.compared) return;
    ++result.compared;
    result.wrong += judgement.wrong;
    sum_ += judgement.z * judgement.z;
    if (result.worst >= 0 && !(judgement.z > result.largest)) return;
    result.worst = index;
    result.largest = judgement.z;
    result.got = got;
    result.want = want;
    result.deviation = judgement.deviation;
  }
  bool Raises(double largest_square) const {
    return result.worst < 0 || largest_square > result.largest * result.largest;
  }
  void AddScan(const Scan& scan, long long count) {
    result.compared += count;
    sum_ += scan.sum;
  }
  void Finish(bool with_rms) {
    if (result.compared > 0) result.rms = std::sqrt(sum_ / static_cast<double>(result.compared));
    result.pass = result.wrong == 0 && !(with_rms && result.rms > kRmsDeviations);
  }

  Comparison result;

 private:
  double sum_ = 0;
};

// The first element of a scanned block that has the block's largest z becomes the worst so far.
void TakeWorst(const Rule& rule, Tally& tally, long long begin, std::span<const double> got, const Truth& truth) {
  Comparison& r = tally.result;
  for (size_t i = 0; i < got.size(); ++i) {
    const size_t at = static_cast<size_t>(begin) + i;
    const Judgement judgement = rule.Judge(got[i], truth.value[at], truth.variance[at]);
    if (r.worst >= 0 && !(judgement.z > r.largest)) continue;
    r.worst = static_cast<long long>(at);
    r.largest = judgement.z;
    r.got = got[i];
    r.want = truth.value[at];
    r.deviation = judgement.deviation;
  }
}

Comparison CompareFloating(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage) {
  const Rule rule(*tensor.tensor);
  const DType type = tensor.tensor->dtype;
  const double relative = RoundingVariance(type, 1), least = RoundingVariance(type, 0);
  Tally tally;
  std::array<double, kBlock> buffer;
  ForEachStretch(tensor, [&](long long begin, long long count, long long offset, long long step) {
    const std::span<double> got(buffer.data(), static_cast<size_t>(count));
    Load(type, storage.data(), offset, step, got);
    if (rule.IsPlain()) {
      const Scan scan = ScanBlock(got.data(), &truth.value[static_cast<size_t>(begin)],
                                  &truth.variance[static_cast<size_t>(begin)], count, relative, least);
      if (!scan.special) {
        tally.AddScan(scan, count);
        if (tally.Raises(scan.largest)) TakeWorst(rule, tally, begin, got, truth);
        return;
      }
    }
    for (size_t i = 0; i < got.size(); ++i) {
      const size_t at = static_cast<size_t>(begin) + i;
      const double want = truth.value[at];
      tally.Add(static_cast<long long>(at), rule.Judge(got[i], want, truth.variance[at]), got[i], want);
    }
  });
  tally.Finish(rule.IsPlain());
  return tally.result;
}

double AsDouble(DType type, long long value) {
  return type == DType::kU64 ? static_cast<double>(static_cast<unsigned long long>(value)) : static_cast<double>(value);
}

Judgement JudgeInteger(const Tensor& tensor, long long got, long long want) {
  if (tensor.dtype == DType::kBool && (got < 0 || got > 1)) return Exact(false);
  if (!HasTolerance(tensor)) return Exact(got == want);
  const bool is_unsigned = tensor.dtype == DType::kU64;
  const auto wide = [&](long long x) {
    return is_unsigned ? __int128{static_cast<unsigned long long>(x)} : __int128{x};
  };
  const double error = std::abs(static_cast<double>(wide(got) - wide(want)));
  const double limit = Limit(tensor, AsDouble(tensor.dtype, want));
  return {.wrong = error > limit, .z = error > 0 ? error / limit : 0, .deviation = limit};
}

// A bool as the byte that is there, so that bytes other than 0 and 1 are seen.
long long LoadStored(DType type, const std::byte* data, long long offset) {
  if (type == DType::kBool) return std::to_integer<long long>(data[offset]);
  return LoadInt(type, data, static_cast<size_t>(offset));
}

Comparison CompareInteger(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage) {
  const DType type = tensor.tensor->dtype;
  Tally tally;
  ForEachStretch(tensor, [&](long long begin, long long count, long long offset, long long step) {
    for (long long i = 0; i < count; ++i, offset += step) {
      const size_t at = static_cast<size_t>(begin + i);
      if (!truth.owner.empty() && truth.owner[at] == 0) continue;
      const long long got = LoadStored(type, storage.data(), offset), want = truth.integer[at];
      tally.Add(begin + i, JudgeInteger(*tensor.tensor, got, want), AsDouble(type, got), AsDouble(type, want));
    }
  });
  tally.Finish(false);
  return tally.result;
}

std::string NumberText(DType type, double value) {
  return type == DType::kF64 ? fmt::format("{}", value) : fmt::format("{:.9g}", value);
}

std::string IntegerText(DType type, long long value) {
  return type == DType::kU64 ? fmt::format("{}", static_cast<unsigned long long>(value)) : fmt::format("{}", value);
}

// "0.25, the truth 0.5 with deviation 1e-7 (2.5e6 deviations)"
std::string FloatingEvidence(const Tensor& tensor, const Comparison& c) {
  std::string text = fmt::format("{}, the truth {}", NumberText(tensor.dtype, c.got), NumberText(tensor.dtype, c.want));
  if (!std::isfinite(c.want) && tensor.nonfinite == NonFinite::kForbidden)
    return text + ", where the spec forbids values that are not finite";
  if (!std::isfinite(c.got) || !std::isfinite(c.want)) return text;
  if (HasTolerance(tensor))
    return fmt::format("{}: the error {:.3g} is above the tolerance {:.3g}", text, std::abs(c.got - c.want),
                       c.deviation);
  if (c.deviation == 0) return text + ", which must be met exactly";
  return fmt::format("{} with deviation {:.3g} ({:.3g} deviations)", text, c.deviation, c.largest);
}

std::string IntegerEvidence(const BoundTensor& bound, const Truth& truth, std::span<const std::byte> storage,
                            const Comparison& c) {
  const Tensor& tensor = *bound.tensor;
  const long long got = LoadStored(tensor.dtype, storage.data(), bound.Offset(c.worst));
  const long long want = truth.integer[static_cast<size_t>(c.worst)];
  if (tensor.dtype == DType::kBool && (got < 0 || got > 1)) return fmt::format("the byte {}, not 0 or 1", got);
  std::string text = fmt::format("{}, the truth {}", IntegerText(tensor.dtype, got), IntegerText(tensor.dtype, want));
  std::array<std::byte, 8> stored;
  StoreInt(tensor.dtype, stored.data(), 0, want);
  if (LoadInt(tensor.dtype, stored.data(), 0) != want)
    text += fmt::format(", which {} cannot hold", Name(tensor.dtype));
  if (HasTolerance(tensor)) text += fmt::format(": the error is above the tolerance {:.3g}", c.deviation);
  return text;
}

std::string Reason(const BoundTensor& bound, const Truth& truth, std::span<const std::byte> storage,
                   const Comparison& c) {
  const Tensor& tensor = *bound.tensor;
  const std::string place = tensor.name + bound.Coordinates(c.worst);
  if (c.wrong == 0)
    return fmt::format(
        "{}: the root mean square error of {} elements is {:.3g} deviations, above {}; the largest is "
        "{:.3g}, at {}",
        tensor.name, c.compared, c.rms, kRmsDeviations, c.largest, place);
  return fmt::format("{} is {}; {} of {} elements {} wrong", place,
                     IsFloating(tensor.dtype) ? FloatingEvidence(tensor, c) : IntegerEvidence(bound, truth, storage, c),
                     c.wrong, c.compared, c.wrong == 1 ? "is" : "are");
}

// Sizes that do not fit would be a fault of the caller; they must not become a pass.
bool Fits(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage) {
  const size_t n = static_cast<size_t>(tensor.elements);
  if (storage.size() < tensor.bytes) return false;
  if (!IsFloating(tensor.tensor->dtype))
    return truth.integer.size() == n && (truth.owner.empty() || truth.owner.size() == n);
  return truth.value.size() == n && truth.variance.size() == n;
}

}  // namespace

double OverflowThreshold(DType type) {
  const double largest = LargestFinite(type);
  return largest + UnitRoundoff(type) * std::exp2(std::ilogb(largest));
}

double DeviationOf(DType type, double value, double variance) {
  if (!(variance > 0) && RoundTo(type, value) == value) return 0;
  return std::hypot(variance > 0 ? std::sqrt(variance) : 0, RoundingError(type, value) / std::sqrt(3.0));
}

Comparison CompareOutput(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage) {
  if (tensor.tensor->compare == Compare::kAny) return {};
  if (!Fits(tensor, truth, storage))
    return {.pass = false, .reason = tensor.tensor->name + ": the sizes of truth and storage do not fit the tensor"};
  Comparison result = IsFloating(tensor.tensor->dtype) ? CompareFloating(tensor, truth, storage)
                                                       : CompareInteger(tensor, truth, storage);
  if (!result.pass) result.reason = Reason(tensor, truth, storage, result);
  return result;
}

}  // namespace kopt
