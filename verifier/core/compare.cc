#include "verifier/core/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "task/dtype.h"

namespace kopt {
namespace {

constexpr long long kBlock = 1024;  // elements that are loaded and scanned together

bool HasTolerance(const Tensor& tensor) { return tensor.rtol.has_value() || tensor.atol.has_value(); }

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

// Out of line, as ScanBlock is: a third faster than inside the loop over the stretches.
[[gnu::noinline]] void Load(DType type, const std::byte* data, long long offset, long long step, std::span<double> to) {
  if (type == DType::kF32) return LoadAs<float>(data, offset, step, to);
  if (type == DType::kF64) return LoadAs<double>(data, offset, step, to);
  for (double& x : to) {
    x = LoadReal(type, data, static_cast<size_t>(offset));
    offset += step;
  }
}

double RoundingVariance(DType type, double value) {
  return RoundingError(type, value) * RoundingError(type, value) / 3;
}

// The sums over a block, valid unless `special`: then some element needs JudgeReal.
struct Scan {
  double sum = 0;      // of z^2
  double largest = 0;  // z^2
  bool special = false;
};

[[gnu::noinline]] Scan ScanBlock(const double* got, const double* want, const double* variance, long long count,
                                 double relative, double least) {
  Scan scan;
  bool special = false;
  for (long long i = 0; i < count; ++i) {
    const double error = got[i] - want[i];
    const double relative_rounding = relative * want[i] * want[i];
    const double rounding = relative_rounding > least ? relative_rounding : least;
    const double square = variance[i] + rounding;
    const double z2 = error * error / square;
    scan.sum += z2;
    scan.largest = z2 > scan.largest ? z2 : scan.largest;
    // Also true for NaN; an infinite result has an infinite z^2.
    special |= !(z2 <= LargestSquare(rounding / square)) | !(variance[i] >= 0) | ((variance[i] == 0) & (error != 0));
  }
  scan.special = special;
  return scan;
}

// A scanned block: only one that raises the largest z has to be looked at element by element.
void AddScan(ComparePart& part, const CompareRule& rule, const Scan& scan, long long begin, std::span<const double> got,
             const Truth& truth) {
  if (part.worst.index < 0 || (!part.worst.wrong && scan.largest > part.worst.z * part.worst.z)) {
    ComparePart block;
    for (size_t i = 0; i < got.size(); ++i) {
      const size_t at = static_cast<size_t>(begin) + i;
      block.AddReal(rule, static_cast<long long>(at), got[i], truth.value[at], truth.variance[at]);
    }
    part.Raise(block.worst);
  }
  part.compared += static_cast<long long>(got.size());
  part.sum += scan.sum;
}

ComparePart CompareFloating(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage) {
  const CompareRule rule = RuleOf(*tensor.tensor);
  const double relative = RoundingVariance(rule.dtype, 1), least = RoundingVariance(rule.dtype, 0);
  ComparePart part;
  std::array<double, kBlock> buffer;
  ForEachStretch(tensor, [&](long long begin, long long count, long long offset, long long step) {
    const std::span<double> got(buffer.data(), static_cast<size_t>(count));
    Load(rule.dtype, storage.data(), offset, step, got);
    if (rule.IsPlain()) {
      const Scan scan = ScanBlock(got.data(), &truth.value[static_cast<size_t>(begin)],
                                  &truth.variance[static_cast<size_t>(begin)], count, relative, least);
      if (!scan.special) return AddScan(part, rule, scan, begin, got, truth);
    }
    for (size_t i = 0; i < got.size(); ++i) {
      const size_t at = static_cast<size_t>(begin) + i;
      part.AddReal(rule, static_cast<long long>(at), got[i], truth.value[at], truth.variance[at]);
    }
  });
  return part;
}

ComparePart CompareInteger(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage) {
  const CompareRule rule = RuleOf(*tensor.tensor);
  ComparePart part;
  ForEachStretch(tensor, [&](long long begin, long long count, long long offset, long long step) {
    for (long long i = 0; i < count; ++i, offset += step) {
      const size_t at = static_cast<size_t>(begin + i);
      if (!truth.owner.empty() && truth.owner[at] == 0) continue;
      part.AddInteger(rule, begin + i, LoadStored(rule.dtype, storage.data(), offset), truth.integer[at]);
    }
  });
  return part;
}

std::string NumberText(DType type, double value) {
  return type == DType::kF64 ? fmt::format("{}", value) : fmt::format("{:.9g}", value);
}

std::string IntegerText(DType type, long long value) {
  return type == DType::kU64 ? fmt::format("{}", static_cast<unsigned long long>(value)) : fmt::format("{}", value);
}

// "0.25, the truth 0.5 with deviation 1e-7 (2.5e6 deviations, above 31.9)"
std::string FloatingEvidence(const Tensor& tensor, const Comparison& c) {
  std::string text = fmt::format("{}, the truth {}", NumberText(tensor.dtype, c.got), NumberText(tensor.dtype, c.want));
  if (!std::isfinite(c.want) && tensor.nonfinite == NonFinite::kForbidden)
    return text + ", where the spec forbids values that are not finite";
  if (!std::isfinite(c.got) || !std::isfinite(c.want)) return text;
  if (HasTolerance(tensor))
    return fmt::format("{}: the error {:.3g} is above the tolerance {:.3g}", text, std::abs(c.got - c.want),
                       c.deviation);
  if (c.deviation == 0) return text + ", which must be met exactly";
  return fmt::format("{} with deviation {:.3g} ({:.3g} deviations, above {:.3g})", text, c.deviation, c.largest,
                     LargestDeviations(tensor.dtype, c.want, c.deviation));
}

std::string IntegerEvidence(const Tensor& tensor, const ComparedElement& worst) {
  const long long got = worst.got_integer, want = worst.want_integer;
  if (tensor.dtype == DType::kBool && (got < 0 || got > 1)) return fmt::format("the byte {}, not 0 or 1", got);
  std::string text = fmt::format("{}, the truth {}", IntegerText(tensor.dtype, got), IntegerText(tensor.dtype, want));
  std::array<std::byte, 8> stored;
  StoreInt(tensor.dtype, stored.data(), 0, want);
  if (LoadInt(tensor.dtype, stored.data(), 0) != want)
    text += fmt::format(", which {} cannot hold", Name(tensor.dtype));
  if (HasTolerance(tensor)) text += fmt::format(": the error is above the tolerance {:.3g}", worst.deviation);
  return text;
}

std::string Reason(const BoundTensor& bound, const ComparedElement& worst, const Comparison& c) {
  const Tensor& tensor = *bound.tensor;
  const std::string place = tensor.name + bound.Coordinates(c.worst);
  if (c.wrong == 0)
    return fmt::format(
        "{}: the root mean square error of {} elements is {:.3g} deviations, above {:.3g}; the largest is "
        "{:.3g}, at {}",
        tensor.name, c.compared, c.rms, RmsLimit(c.compared), c.largest, place);
  return fmt::format("{} is {}; {} of {} elements {} wrong", place,
                     IsFloating(tensor.dtype) ? FloatingEvidence(tensor, c) : IntegerEvidence(tensor, worst), c.wrong,
                     c.compared, c.wrong == 1 ? "is" : "are");
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

double RmsLimit(long long elements) { return kRmsDeviations + 1 / std::sqrt(static_cast<double>(elements)); }

CompareRule RuleOf(const Tensor& tensor) {
  return {.dtype = tensor.dtype,
          .exact = tensor.compare == Compare::kExact,
          .has_tolerance = HasTolerance(tensor),
          .any_nonfinite = tensor.nonfinite == NonFinite::kAny,
          .forbids_nonfinite = tensor.nonfinite == NonFinite::kForbidden,
          .rtol = tensor.rtol.value_or(0),
          .atol = tensor.atol.value_or(0),
          .overflow = IsFloating(tensor.dtype) ? OverflowThreshold(tensor.dtype) : 0};
}

Comparison FinishComparison(const BoundTensor& tensor, std::span<const ComparePart> parts) {
  if (tensor.tensor->compare == Compare::kAny) return {};
  ComparePart all;
  for (const ComparePart& part : parts) all.Add(part);
  Comparison result{.compared = all.compared,
                    .wrong = all.wrong,
                    .largest = all.worst.z,
                    .worst = all.worst.index,
                    .got = all.worst.got,
                    .want = all.worst.want,
                    .deviation = all.worst.deviation};
  if (all.compared > 0) result.rms = std::sqrt(all.sum / static_cast<double>(all.compared));
  const bool with_rms = IsFloating(tensor.tensor->dtype) && RuleOf(*tensor.tensor).IsPlain();
  result.pass = result.wrong == 0 && !(with_rms && result.rms > RmsLimit(all.compared));
  if (!result.pass) result.reason = Reason(tensor, all.worst, result);
  return result;
}

Comparison CompareOutput(const BoundTensor& tensor, const Truth& truth, std::span<const std::byte> storage) {
  if (tensor.tensor->compare == Compare::kAny) return {};
  if (!Fits(tensor, truth, storage))
    return {.pass = false, .reason = tensor.tensor->name + ": the sizes of truth and storage do not fit the tensor"};
  const ComparePart part = IsFloating(tensor.tensor->dtype) ? CompareFloating(tensor, truth, storage)
                                                            : CompareInteger(tensor, truth, storage);
  return FinishComparison(tensor, {&part, 1});
}

}  // namespace kopt
