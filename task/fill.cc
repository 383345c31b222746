#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "task/npy.h"
#include "task/small_float.h"
#include "task/spec.h"

namespace kopt {
namespace {

constexpr long long kBlock = 512;                // values made at a time
constexpr long long kElementsAThread = 1 << 17;  // fewer are not worth a thread
constexpr uint64_t kRowStream = 0x726f7773;
constexpr size_t kLargestFile = size_t{4} << 30;

// ---- storing a block of values ----

template <class To, class From, class Convert>
void PutAs(std::byte* storage, long long offset, long long stride, std::span<const From> values, Convert convert) {
  std::byte* at = storage + offset * static_cast<long long>(sizeof(To));
  for (const From value : values) {
    const To converted = static_cast<To>(convert(value));
    std::memcpy(at, &converted, sizeof(To));
    at += stride * static_cast<long long>(sizeof(To));
  }
}

template <SmallFloat F, class To, class From>
void PutSmall(std::byte* storage, long long offset, long long stride, std::span<const From> values) {
  PutAs<To>(storage, offset, stride, values, [](From value) { return Encode<F>(static_cast<double>(value)); });
}

// Real values go to floating types only: CheckFill sees to that.
template <class From>
void Put(DType dtype, std::byte* storage, long long offset, long long stride, std::span<const From> values) {
  const auto same = [](From value) { return value; };
  switch (dtype) {
    case DType::kF64:
      return PutAs<double>(storage, offset, stride, values, same);
    case DType::kF32:
      return PutAs<float>(storage, offset, stride, values, same);
    case DType::kF16:
      return PutSmall<kHalf, uint16_t>(storage, offset, stride, values);
    case DType::kBF16:
      return PutSmall<kBrain, uint16_t>(storage, offset, stride, values);
    case DType::kE4M3:
      return PutSmall<kE4M3Float, uint8_t>(storage, offset, stride, values);
    case DType::kE5M2:
      return PutSmall<kE5M2Float, uint8_t>(storage, offset, stride, values);
    case DType::kBool:
      return PutAs<uint8_t>(storage, offset, stride, values, [](From value) { return value != 0; });
    default:
      break;
  }
  switch (Size(dtype)) {
    case 8:
      return PutAs<int64_t>(storage, offset, stride, values, same);
    case 4:
      return PutAs<int32_t>(storage, offset, stride, values, same);
    case 2:
      return PutAs<int16_t>(storage, offset, stride, values, same);
    default:
      return PutAs<int8_t>(storage, offset, stride, values, same);
  }
}

// ---- filling ----

// A tensor as rows of `length` elements `stride` apart.
struct Rows {
  long long length = 1;
  long long stride = 1;
};

bool IsRowMajor(const BoundTensor& tensor) {
  long long stride = 1;
  for (size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != stride) return false;
    stride *= tensor.shape[i];
  }
  return true;
}

Rows RowsOf(const BoundTensor& tensor) {
  if (IsRowMajor(tensor)) return {tensor.elements, 1};
  return {tensor.shape.back(), tensor.strides.back()};
}

// Writes elements [begin, end) with make(first, values): the values of consecutive logical indices.
template <class Value, class Make>
void FillRange(const BoundTensor& tensor, std::byte* storage, long long begin, long long end, const Make& make) {
  const Rows rows = RowsOf(tensor);
  std::array<Value, kBlock> block;
  while (begin < end) {
    const long long left = rows.length - begin % rows.length;
    const long long count = std::min({left, end - begin, kBlock});
    const std::span<Value> values(block.data(), static_cast<size_t>(count));
    make(begin, values);
    Put<Value>(tensor.tensor->dtype, storage, tensor.Offset(begin), rows.stride, values);
    begin += count;
  }
}

// Splits 0..count-1 over threads; `work(begin, end)` must give the same result for every split.
template <class Work>
void Split(long long count, const Work& work) {
  const long long cores = std::clamp<long long>(std::thread::hardware_concurrency(), 1, 16);
  const long long parts = std::clamp<long long>(count / kElementsAThread, 1, cores);
  const auto edge = [&](long long part) { return count / parts * part + std::min(part, count % parts); };
  std::vector<std::jthread> threads;
  for (long long part = 1; part < parts; ++part) {
    try {
      threads.emplace_back([&work, begin = edge(part), end = edge(part + 1)] { work(begin, end); });
    } catch (const std::system_error&) {
      work(edge(part), edge(part + 1));  // no more threads to be had
    }
  }
  work(0, edge(1));
}

template <class Value, class Make>
void FillAll(const BoundTensor& tensor, std::byte* storage, const Make& make) {
  Split(tensor.elements, [&](long long begin, long long end) { FillRange<Value>(tensor, storage, begin, end, make); });
}

// Each kind has a loop of its own: the compiler vectorises them.
void FillDrawn(const BoundTensor& tensor, const Distribution& drawn, std::byte* storage) {
  const auto fill = [&]<class Value>(const auto& value_of) {
    FillAll<Value>(tensor, storage, [&](long long first, std::span<Value> values) {
      for (Value& value : values) value = value_of(static_cast<uint64_t>(first++));
    });
  };
  switch (drawn.kind) {
    case FillKind::kNormal:
      return fill.operator()<double>([&](uint64_t index) { return drawn.Normal(index); });
    case FillKind::kUniform:
      return fill.operator()<double>([&](uint64_t index) { return drawn.Uniform(index); });
    default:
      return fill.operator()<long long>([&](uint64_t index) { return drawn.Integer(index); });
  }
}

Error InFile(Error error, const std::filesystem::path& path, const Tensor& tensor) {
  error.file = path.string();
  error.key = tensor.name;
  return error;
}

Result<void> FillFromFile(const Spec& spec, const BoundTensor& bound, const Fill& fill, std::byte* storage) {
  const Tensor& tensor = *bound.tensor;
  const std::filesystem::path path = spec.PathOf(fill.file);
  KOPT_TRY(const std::string file, ReadFile(path, kLargestFile));
  auto array = ParseNpy(file);
  if (!array) return std::unexpected(InFile(array.error(), path, tensor));
  if (array->shape != bound.shape) {
    return std::unexpected(InFile(
        Error{.exit = Exit::kUsage, .message = fmt::format("the array has another shape than `{}`", tensor.name)}, path,
        tensor));
  }
  const size_t size = Size(tensor.dtype);
  std::vector<std::byte> dense(static_cast<size_t>(bound.elements) * size);
  if (auto done = ConvertNpy(*array, tensor.dtype, dense); !done) {
    return std::unexpected(InFile(done.error(), path, tensor));
  }
  for (long long i = 0; i < bound.elements; ++i) {
    std::memcpy(storage + static_cast<size_t>(bound.Offset(i)) * size, &dense[static_cast<size_t>(i) * size], size);
  }
  return {};
}

void FillGaps(std::span<std::byte> storage, uint64_t seed) {
  for (size_t at = 0; at < storage.size(); at += sizeof(uint64_t)) {
    const uint64_t word = GapWord(seed, at);
    std::memcpy(&storage[at], &word, std::min(sizeof(word), storage.size() - at));
  }
}

}  // namespace

Distribution DistributionOf(const BoundTensor& tensor, const Fill& fill, uint64_t seed) {
  Distribution drawn{.kind = fill.kind, .seed = seed, .a = fill.a, .b = fill.b, .row_stream = seed ^ kRowStream};
  if (fill.kind == Fill::Kind::kInt) {
    drawn.low = static_cast<long long>(fill.a);
    drawn.count = static_cast<uint64_t>(static_cast<long long>(fill.b) - drawn.low) + 1;
  }
  if (!tensor.shape.empty()) drawn.row = tensor.shape.back();
  return drawn;
}

Result<void> FillTensor(const Spec& spec, const BoundTensor& tensor, const Fill& fill, uint64_t seed,
                        std::span<std::byte> storage) {
  if (storage.size() < tensor.bytes) {
    return InternalError(
        fmt::format("{} bytes of storage for `{}`, which needs {}", storage.size(), tensor.tensor->name, tensor.bytes));
  }
  if (!tensor.IsDense()) FillGaps(storage.first(tensor.bytes), seed);
  if (tensor.elements == 0) return {};
  if (fill.kind == Fill::Kind::kFile) return FillFromFile(spec, tensor, fill, storage.data());
  FillDrawn(tensor, DistributionOf(tensor, fill, seed), storage.data());
  return {};
}

Result<uint64_t> ScalarBits(const Spec& spec, const Shape& shape, const Scalar& scalar, uint64_t seed) {
  std::array<std::byte, 8> bytes{};
  if (scalar.fill) {
    // A scalar is filled like a tensor of one element, from a stream of its own.
    const auto same = [&](const Scalar& other) { return other.name == scalar.name; };
    const auto number = std::find_if(spec.scalars.begin(), spec.scalars.end(), same) - spec.scalars.begin();
    const Tensor tensor{.name = scalar.name, .dtype = scalar.dtype};
    const BoundTensor one{
        .tensor = &tensor, .shape = {1}, .strides = {1}, .elements = 1, .span = 1, .bytes = Size(scalar.dtype)};
    KOPT_CHECK(FillTensor(spec, one, *scalar.fill, Mix(seed, static_cast<uint64_t>(number)), bytes));
    return std::bit_cast<uint64_t>(bytes);
  }
  const auto fail = [&](std::string message) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = std::move(message),
                                 .file = spec.file,
                                 .line = scalar.position.line,
                                 .column = scalar.position.column,
                                 .key = scalar.name});
  };
  const auto value = scalar.value->Real(shape.dims);
  if (!value) return fail(fmt::format("scalar `{}`: {}", scalar.name, value.error().message));
  if (!IsFloating(scalar.dtype)) {
    // Beyond 2^53 only integer evaluation is exact.
    const auto exact = scalar.value->Int(shape.dims);
    if (exact && (static_cast<double>(*exact) == *value || std::fabs(*value) > 0x1p53)) {
      StoreInt(scalar.dtype, bytes.data(), 0, *exact);
      if (LoadInt(scalar.dtype, bytes.data(), 0) == *exact) return std::bit_cast<uint64_t>(bytes);
    }
  }
  StoreReal(scalar.dtype, bytes.data(), 0, *value);
  const double stored = LoadReal(scalar.dtype, bytes.data(), 0);
  if (!std::isfinite(stored) || (!IsFloating(scalar.dtype) && stored != *value)) {
    return fail(
        fmt::format("scalar `{}` has the value {}, which {} does not hold", scalar.name, *value, Name(scalar.dtype)));
  }
  return std::bit_cast<uint64_t>(bytes);
}

}  // namespace kopt
