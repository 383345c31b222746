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
constexpr uint64_t kGapStream = 0x67617073;
constexpr uint64_t kRowStream = 0x726f7773;
constexpr size_t kLargestFile = size_t{4} << 30;

// ---- distributions: functions of 64 random bits, with the same bits on every machine ----

// Natural logarithm of a normal positive double, to 1e-10.
double Log(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double t = (m - 1) / (m + 1);
  const double s = t * t;
  const double series =
      1 + s * (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s * (1.0 / 13))))));
  return exponent * 0.6931471805599453 + 2 * t * series;
}

// Quantile of the standard normal distribution, to 1e-6: M. J. Wichura, algorithm AS 241, PPND7 (1988).
double NormalQuantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * (((5.9109374720e+01 * r + 1.5929113202e+02) * r + 5.0434271938e+01) * r + 3.3871327179e+00) /
           (((6.7187563600e+01 * r + 7.8757757664e+01) * r + 1.7895169469e+01) * r + 1);
  }
  double r = std::sqrt(-Log(q < 0 ? p : 1 - p));
  double z = 0;
  if (r <= 5) {
    r -= 1.6;
    z = (((1.7023821103e-01 * r + 1.3067284816e+00) * r + 2.7568153900e+00) * r + 1.4234372777e+00) /
        ((1.2021132975e-01 * r + 7.3700164250e-01) * r + 1);
  } else {
    r -= 5;
    z = (((1.7337203997e-02 * r + 4.2868294337e-01) * r + 3.0812263860e+00) * r + 6.6579051150e+00) /
        ((1.2258202635e-02 * r + 2.4197894225e-01) * r + 1);
  }
  return q < 0 ? -z : z;
}

double Normal(uint64_t bits) { return NormalQuantile((static_cast<double>(bits >> 12) + 0.5) * 0x1p-52); }
double Uniform(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// An integer from 0 to count - 1.
uint64_t Below(uint64_t bits, uint64_t count) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * count) >> 64);
}

// A bijection of 0..count-1, chosen by `key`: invertible steps on the smallest power of two that holds them, repeated
// until the value is inside (less than twice on average).
class Permutation {
 public:
  Permutation(uint64_t count, uint64_t key)
      : count_(count), bits_(std::bit_width(count - 1)), mask_((uint64_t{1} << bits_) - 1) {
    for (size_t i = 0; i < kRounds; ++i) {
      factor_[i] = Mix(key, 2 * i) | 1;
      offset_[i] = Mix(key, 2 * i + 1);
    }
  }

  uint64_t operator()(uint64_t value) const {
    do value = Step(value);
    while (value >= count_);
    return value;
  }

 private:
  static constexpr size_t kRounds = 4;

  uint64_t Step(uint64_t value) const {
    for (size_t i = 0; i < kRounds; ++i) {
      value = (value * factor_[i] + offset_[i]) & mask_;
      value ^= value >> (bits_ / 2 + 1);
    }
    return value;
  }

  uint64_t count_;
  int bits_;
  uint64_t mask_;
  std::array<uint64_t, kRounds> factor_, offset_;
};

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

void FillNormal(const BoundTensor& tensor, const Fill& fill, uint64_t seed, std::byte* storage) {
  FillAll<double>(tensor, storage, [&](long long first, std::span<double> values) {
    for (double& value : values) value = fill.a + fill.b * Normal(Mix(seed, static_cast<uint64_t>(first++)));
  });
}

void FillUniform(const BoundTensor& tensor, const Fill& fill, uint64_t seed, std::byte* storage) {
  FillAll<double>(tensor, storage, [&](long long first, std::span<double> values) {
    for (double& value : values) {
      const double u = Uniform(Mix(seed, static_cast<uint64_t>(first++)));
      value = fill.a * (1 - u) + fill.b * u;
    }
  });
}

void FillInt(const BoundTensor& tensor, const Fill& fill, uint64_t seed, std::byte* storage) {
  const long long low = static_cast<long long>(fill.a);
  const uint64_t count = static_cast<uint64_t>(static_cast<long long>(fill.b) - low) + 1;
  FillAll<long long>(tensor, storage, [&](long long first, std::span<long long> values) {
    for (long long& value : values) {
      value = low + static_cast<long long>(Below(Mix(seed, static_cast<uint64_t>(first++)), count));
    }
  });
}

void FillIndex(const BoundTensor& tensor, std::byte* storage) {
  FillAll<long long>(tensor, storage, [&](long long first, std::span<long long> values) {
    for (long long& value : values) value = first++;
  });
}

void FillPermutation(const BoundTensor& tensor, uint64_t seed, std::byte* storage) {
  const long long length = tensor.shape.empty() ? 1 : tensor.shape.back();
  const auto row = [&](long long number) {
    return Permutation(static_cast<uint64_t>(length), Mix(seed ^ kRowStream, static_cast<uint64_t>(number)));
  };
  FillAll<long long>(tensor, storage, [&](long long first, std::span<long long> values) {
    Permutation permutation = row(first / length);
    long long column = first % length;
    for (long long& value : values) {
      if (column == length) {
        permutation = row(first / length);
        column = 0;
      }
      value = static_cast<long long>(permutation(static_cast<uint64_t>(column++)));
      ++first;
    }
  });
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
    const uint64_t word = Mix(seed ^ kGapStream, at);
    std::memcpy(&storage[at], &word, std::min(sizeof(word), storage.size() - at));
  }
}

}  // namespace

Result<void> FillTensor(const Spec& spec, const BoundTensor& tensor, const Fill& fill, uint64_t seed,
                        std::span<std::byte> storage) {
  if (storage.size() < tensor.bytes) {
    return InternalError(
        fmt::format("{} bytes of storage for `{}`, which needs {}", storage.size(), tensor.tensor->name, tensor.bytes));
  }
  if (!tensor.IsDense()) FillGaps(storage.first(tensor.bytes), seed);
  if (tensor.elements == 0) return {};
  switch (fill.kind) {
    case Fill::Kind::kNormal:
      FillNormal(tensor, fill, seed, storage.data());
      break;
    case Fill::Kind::kUniform:
      FillUniform(tensor, fill, seed, storage.data());
      break;
    case Fill::Kind::kInt:
      FillInt(tensor, fill, seed, storage.data());
      break;
    case Fill::Kind::kIndex:
      FillIndex(tensor, storage.data());
      break;
    case Fill::Kind::kPermutation:
      FillPermutation(tensor, seed, storage.data());
      break;
    case Fill::Kind::kFile:
      return FillFromFile(spec, tensor, fill, storage.data());
  }
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
