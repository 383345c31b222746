#include "verifier/core/power.h"

#include <algorithm>
#include <cmath>

#include "task/dtype.h"

namespace kopt {
namespace {

bool IsComputed(const Truth& truth, size_t index) {
  if (!truth.owner.empty() && truth.owner[index] == 0) return false;
  return truth.variance.empty() || truth.variance[index] >= 0;
}

// The bytes of an output whose element `i` is stored by store(data, storage index, i).
template <class Store>
std::vector<std::byte> Filled(const BoundTensor& tensor, Store store) {
  std::vector<std::byte> bytes(tensor.bytes);
  for (long long i = 0; i < tensor.elements; ++i)
    store(bytes.data(), static_cast<size_t>(tensor.Offset(i)), static_cast<size_t>(i));
  return bytes;
}

// 0 for an empty sample.
double Median(std::vector<double> values) {
  std::erase_if(values, [](double x) { return !std::isfinite(x); });
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// The smallest of the most frequent values; 0 for an empty sample.
long long MostFrequent(std::vector<long long> values) {
  std::ranges::sort(values);
  long long best = 0;
  size_t best_count = 0;
  for (size_t begin = 0, end = 0; begin < values.size(); begin = end) {
    while (end < values.size() && values[end] == values[begin]) ++end;
    if (end - begin > best_count) best = values[begin];
    best_count = std::max(best_count, end - begin);
  }
  return best;
}

template <class T>
std::vector<T> Computed(std::span<const T> values, const Truth& truth) {
  std::vector<T> computed;
  for (size_t i = 0; i < values.size(); ++i)
    if (IsComputed(truth, i)) computed.push_back(values[i]);
  return computed;
}

std::vector<std::byte> Constant(const BoundTensor& tensor, const Truth& truth) {
  const DType type = tensor.tensor->dtype;
  if (IsFloating(type)) {
    const double value = Median(Computed(truth.value, truth));
    return Filled(tensor, [&](std::byte* data, size_t at, size_t) { StoreReal(type, data, at, value); });
  }
  const long long value = MostFrequent(Computed(truth.integer, truth));
  return Filled(tensor, [&](std::byte* data, size_t at, size_t) { StoreInt(type, data, at, value); });
}

std::vector<std::byte> CopyOf(const BoundTensor& input, std::span<const std::byte> storage, const BoundTensor& output) {
  const DType from = input.tensor->dtype, to = output.tensor->dtype;
  const bool integers = !IsFloating(from) && !IsFloating(to);
  return Filled(output, [&](std::byte* data, size_t at, size_t i) {
    const size_t source = static_cast<size_t>(input.Offset(static_cast<long long>(i)));
    if (integers)
      StoreInt(to, data, at, LoadInt(from, storage.data(), source));
    else
      StoreReal(to, data, at, LoadReal(from, storage.data(), source));
  });
}

bool Matches(const BoundTensor& tensor, const Truth& truth) {
  const size_t n = static_cast<size_t>(tensor.elements);
  return IsFloating(tensor.tensor->dtype) ? truth.value.size() == n : truth.integer.size() == n;
}

}  // namespace

std::vector<std::byte> RoundTruth(const BoundTensor& tensor, const Truth& truth) {
  const DType type = tensor.tensor->dtype;
  const bool floating = IsFloating(type);
  if (!Matches(tensor, truth)) return std::vector<std::byte>(tensor.bytes);
  return Filled(tensor, [&](std::byte* data, size_t at, size_t i) {
    if (!IsComputed(truth, i)) return;
    if (floating)
      StoreReal(type, data, at, truth.value[i]);
    else
      StoreInt(type, data, at, truth.integer[i]);
  });
}

std::vector<WrongAnswer> WrongAnswers(const BoundTask& task, size_t output, const Truth& truth, const Truth& other,
                                      std::span<const std::span<const std::byte>> storage) {
  const BoundTensor& tensor = task.tensors[output];
  if (tensor.tensor->compare == Compare::kAny && !tensor.tensor->accept) return {};
  std::vector<WrongAnswer> answers;
  answers.push_back({.attempt = "zero", .bytes = std::vector<std::byte>(tensor.bytes)});
  // Of a single element it would be the right answer itself.
  if (tensor.elements > 1) answers.push_back({.attempt = "a constant", .bytes = Constant(tensor, truth)});
  if (Matches(tensor, other))
    answers.push_back({.attempt = "another input set's answer", .bytes = RoundTruth(tensor, other)});
  for (size_t t = 0; t < task.tensors.size() && t < storage.size(); ++t) {
    const BoundTensor& input = task.tensors[t];
    if (!input.tensor->IsRead() || input.shape != tensor.shape || storage[t].size() < input.bytes) continue;
    answers.push_back({.attempt = fmt::format("a copy of `{}`", input.tensor->name),
                       .required = !tensor.tensor->identity,
                       .bytes = CopyOf(input, storage[t], tensor)});
  }
  return answers;
}

PowerRow HandIn(const BoundTensor& tensor, const Truth& truth, const WrongAnswer& wrong, int shape) {
  const Comparison comparison = CompareOutput(tensor, truth, wrong.bytes);
  const double share = comparison.compared == 0
                           ? 0
                           : 100.0 * static_cast<double>(comparison.wrong) / static_cast<double>(comparison.compared);
  return {.shape = shape,
          .output = tensor.tensor->name,
          .attempt = wrong.attempt,
          .refused = !comparison.pass,
          .required = wrong.required,
          .detail = fmt::format("largest error {:.3g} deviations, rms {:.3g}, {:.3g} % of the elements wrong",
                                comparison.largest, comparison.rms, share)};
}

WrongAnswer AnswerBefore(const BoundTensor& tensor, const Truth& before, const std::string& redrawn) {
  return {.attempt = fmt::format("the answer before `{}` was redrawn", redrawn),
          .required = false,
          .bytes = RoundTruth(tensor, before)};
}

ToleranceRow ToleranceOf(const BoundTensor& tensor, const Truth& truth, int shape) {
  ToleranceRow row{.shape = shape, .output = tensor.tensor->name};
  const DType type = tensor.tensor->dtype;
  if (!IsFloating(type) || !Matches(tensor, truth)) return row;
  std::vector<double> deviations, limits;
  double sum = 0;
  size_t count = 0;
  for (size_t i = 0; i < truth.value.size(); ++i) {
    if (!IsComputed(truth, i) || !std::isfinite(truth.value[i])) continue;
    sum += truth.value[i] * truth.value[i];
    ++count;
    deviations.push_back(DeviationOf(type, truth.value[i], truth.variance[i]));
    limits.push_back(LargestError(type, truth.value[i], truth.variance[i]));
  }
  if (count > 0) row.rms_value = std::sqrt(sum / static_cast<double>(count));
  row.median_deviation = Median(std::move(deviations));
  row.median_largest = Median(std::move(limits));
  return row;
}

}  // namespace kopt
