#include <algorithm>
#include <cmath>
#include <numeric>

#include "task/nearest.h"
#include "task/spec.h"
#include "task/spec_parse.h"

namespace kopt {
namespace {

constexpr long long kLargestTensor = 1LL << 40;  // bytes

std::string ShapeText(const Shape& shape) {
  std::string text;
  for (const auto& [dim, value] : shape.dims) text += fmt::format("{}{}={}", text.empty() ? "" : " ", dim, value);
  return text.empty() ? "the only shape" : text;
}

class Binder {
 public:
  Binder(const Spec& spec, const Shape& shape) : spec_(spec), shape_(shape) {}

  Result<BoundTensor> BindTensor(const Tensor& tensor) const {
    BoundTensor bound{.tensor = &tensor};
    for (const Expr& extent : tensor.shape) {
      KOPT_TRY(const long long value, Value(tensor, extent, "extent"));
      if (value < 1) return Fail(tensor, fmt::format("the extent `{}` is {}, not positive", extent.text(), value));
      bound.shape.push_back(value);
    }
    const long long size = tensor.role == Tensor::Role::kTemp ? 8 : static_cast<long long>(Size(tensor.dtype));
    const long long most = kLargestTensor / size;
    bound.elements = 1;
    for (const long long extent : bound.shape) {
      if (extent > most / bound.elements) return TooLarge(tensor);
      bound.elements *= extent;
    }
    KOPT_CHECK(Strides(tensor, bound));
    KOPT_CHECK(Span(tensor, bound, most));
    bound.bytes = static_cast<size_t>(bound.span * size);
    return bound;
  }

  // The number of tuples must fit 63 bits.
  Result<void> CheckLoops(const std::vector<Over>& over, Position position) const {
    long long tuples = 1;
    for (const Over& loop : over) {
      const auto extent = loop.extent.Int(shape_.dims);
      if (!extent)
        return Fail(position, fmt::format("the extent of `{}`: {}", loop.index, extent.error().message), "over");
      if (*extent < 0) return Fail(position, fmt::format("the extent of `{}` is {}", loop.index, *extent), "over");
      if (__builtin_mul_overflow(tuples, *extent, &tuples)) {
        return Fail(position, "`over` has more than 2^63 index tuples", "over");
      }
    }
    return {};
  }

  // A work figure; nothing if it is not declared.
  Result<double> Figure(const std::optional<Expr>& expression, std::string_view key, double otherwise) const {
    if (!expression) return otherwise;
    const auto value = expression->Real(shape_.dims);
    if (value && std::isfinite(*value) && *value >= 0) return *value;
    std::string message =
        value ? fmt::format("[work] {} is {}", key, *value) : fmt::format("[work] {}: {}", key, value.error().message);
    return Fail(spec_.work.position, std::move(message), key);
  }

 private:
  std::unexpected<Error> Fail(Position position, std::string message, std::string_view key) const {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("{} (at {})", message, Shown(ShapeText(shape_), 200)),
                                 .file = spec_.file,
                                 .line = position.line,
                                 .column = position.column,
                                 .key = std::string(key)});
  }
  std::unexpected<Error> Fail(const Tensor& tensor, const std::string& message) const {
    return Fail(tensor.position, fmt::format("`{}`: {}", tensor.name, message), tensor.name);
  }
  std::unexpected<Error> TooLarge(const Tensor& tensor) const { return Fail(tensor, "it is larger than 2^40 bytes"); }

  Result<long long> Value(const Tensor& tensor, const Expr& expression, std::string_view what) const {
    auto value = expression.Int(shape_.dims);
    if (value) return *value;
    return Fail(tensor, fmt::format("the {} `{}`: {}", what, expression.text(), value.error().message));
  }

  Result<void> Strides(const Tensor& tensor, BoundTensor& bound) const {
    for (const Expr& stride : tensor.strides) {
      KOPT_TRY(const long long value, Value(tensor, stride, "stride"));
      if (value < 1) return Fail(tensor, fmt::format("the stride `{}` is {}, not positive", stride.text(), value));
      bound.strides.push_back(value);
    }
    if (!tensor.strides.empty()) return {};
    bound.strides.assign(bound.shape.size(), 1);
    for (size_t i = bound.shape.size(); i-- > 1;) bound.strides[i - 1] = bound.strides[i] * bound.shape[i];
    return {};
  }

  // From the smallest stride up, each must step over everything inside it.
  Result<void> Span(const Tensor& tensor, BoundTensor& bound, long long most) const {
    std::vector<size_t> order(bound.shape.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return bound.strides[a] < bound.strides[b]; });
    bound.span = 1;
    for (const size_t i : order) {
      const long long steps = bound.shape[i] - 1;
      if (steps == 0) continue;
      if (bound.strides[i] < bound.span) {
        return Fail(tensor,
                    fmt::format("the strides overlap: the elements along axis {} are {} apart, those inside take {}", i,
                                bound.strides[i], bound.span));
      }
      if (bound.strides[i] > (most - bound.span) / steps) return TooLarge(tensor);
      bound.span += steps * bound.strides[i];
    }
    return {};
  }

  const Spec& spec_;
  const Shape& shape_;
};

}  // namespace

long long BoundTensor::Offset(long long logical) const {
  long long offset = 0;
  for (size_t i = shape.size(); i-- > 0;) {
    offset += logical % shape[i] * strides[i];
    logical /= shape[i];
  }
  return offset;
}

std::string BoundTensor::Coordinates(long long logical) const {
  std::vector<long long> at(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    at[i] = logical % shape[i];
    logical /= shape[i];
  }
  std::string text = "[";
  for (const long long coordinate : at) text += fmt::format("{}{}", text.size() > 1 ? ", " : "", coordinate);
  return text + "]";
}

const BoundTensor& BoundTask::Find(std::string_view name) const {
  return *std::find_if(tensors.begin(), tensors.end(), [&](const BoundTensor& t) { return t.tensor->name == name; });
}

Result<BoundTensor> BindTensor(const Spec& spec, const Shape& shape, const Tensor& tensor) {
  return Binder(spec, shape).BindTensor(tensor);
}

Result<void> CheckWork(const Spec& spec, const Shape& shape) {
  const Binder binder(spec, shape);
  KOPT_CHECK(binder.Figure(spec.work.flops, "flops", 0));
  KOPT_CHECK(binder.Figure(spec.work.read, "read", 0));
  KOPT_CHECK(binder.Figure(spec.work.write, "write", 0));
  return {};
}

Result<void> CheckOver(const Spec& spec, const Shape& shape, const std::vector<Over>& over, Position position) {
  return Binder(spec, shape).CheckLoops(over, position);
}

Result<BoundTask> Bind(const Spec& spec, const Shape& shape) {
  const Binder binder(spec, shape);
  BoundTask task{.spec = &spec, .shape = &shape};
  double read = 0, written = 0;
  for (const Tensor& tensor : spec.tensors) {
    KOPT_TRY(BoundTensor bound, binder.BindTensor(tensor));
    const double bytes = static_cast<double>(bound.elements) * static_cast<double>(Size(tensor.dtype));
    if (tensor.IsRead()) read += bytes;
    if (tensor.IsWritten()) written += bytes;
    task.tensors.push_back(std::move(bound));
  }
  KOPT_TRY(task.flops, binder.Figure(spec.work.flops, "flops", 0));
  KOPT_TRY(task.read_bytes, binder.Figure(spec.work.read, "read", read));
  KOPT_TRY(task.write_bytes, binder.Figure(spec.work.write, "write", written));
  return task;
}

}  // namespace kopt
