#include "task/cuda_tensormap.h"

#include <algorithm>
#include <array>
#include <climits>

namespace kopt {
namespace {

constexpr long long kLargestDim = 1LL << 32;  // elements
constexpr long long kStrideEnd = 1LL << 40;   // bytes; strides are smaller
constexpr long long kLargestBox = 256;        // elements of one dim
constexpr long long kLargestStep = 8;         // elements
constexpr long long kGranule = 16;            // bytes: addresses, strides and the inner box are multiples

struct TypeFacts {
  std::string_view name;
  size_t size;
  bool floating;
};
// In the order of TensorMapType.
constexpr std::array<TypeFacts, 13> kTypes = {{{"u8", 1, false},
                                               {"u16", 2, false},
                                               {"u32", 4, false},
                                               {"i32", 4, false},
                                               {"u64", 8, false},
                                               {"i64", 8, false},
                                               {"f16", 2, true},
                                               {"f32", 4, true},
                                               {"f64", 8, true},
                                               {"bf16", 2, true},
                                               {"f32_ftz", 4, true},
                                               {"tf32", 4, true},
                                               {"tf32_ftz", 4, true}}};

// What the tensor's own elements are; types the driver does not know are the integer of their size.
std::string_view DefaultType(DType dtype) {
  for (const TypeFacts& type : kTypes)
    if (type.name == Name(dtype)) return type.name;
  return Size(dtype) == 1 ? "u8" : "u16";
}

class TensorMapBinder {
 public:
  TensorMapBinder(const PlanBinder& binder, const TensorMap& map, const MappedStorage& storage,
                  const CudaLimits& limits)
      : binder_(binder),
        map_(map),
        storage_(storage),
        limits_(limits),
        rank_(map.dims.size()),
        size_(static_cast<long long>(Size(storage.dtype))) {}

  Result<BoundTensorMap> Bind() {
    KOPT_CHECK(CheckAlign());
    BoundTensorMap bound{.name = map_.name, .tensor = map_.tensor, .swizzle = map_.swizzle, .l2 = map_.l2};
    bound.nan_fill = map_.fill == "nan";
    bound.line = map_.line;
    const auto type = TensorMapTypeOf(map_, storage_.dtype);
    if (!type) return Fail(type.error().message);
    bound.type = *type;
    KOPT_TRY(bound.dims, InnermostFirst<uint64_t>(map_.dims, "dim", kLargestDim));
    KOPT_TRY(bound.strides, Strides(bound.dims));
    KOPT_CHECK(CheckReach(bound));
    KOPT_TRY(bound.box, InnermostFirst<uint32_t>(map_.box, "box extent", kLargestBox));
    KOPT_TRY(bound.step, InnermostFirst<uint32_t>(map_.step, "step", kLargestStep));
    if (bound.step.empty()) bound.step.assign(rank_, 1);
    KOPT_CHECK(CheckInnermost(bound));
    KOPT_CHECK(CheckBox(bound));
    return bound;
  }

 private:
  std::unexpected<Error> Fail(const std::string& message, std::string hint = "") const {
    return binder_.Fail(map_.line, fmt::format("tensormap `{}`: {}", map_.name, message), map_.name, std::move(hint));
  }

  Result<void> CheckAlign() const {
    if (storage_.align % kGranule == 0) return {};
    return Fail(fmt::format("the spec aligns `{}` to {} bytes; the driver demands a multiple of {}", map_.tensor,
                            storage_.align, kGranule));
  }

  // Each value of a list, 1 to `most`.
  template <class T>
  Result<std::vector<T>> InnermostFirst(const std::vector<Expr>& exprs, std::string_view what, long long most) const {
    std::vector<T> values;
    for (auto expr = exprs.rbegin(); expr != exprs.rend(); ++expr) {
      KOPT_TRY(long long value, binder_.Evaluate(*expr, map_.line));
      if (value < 1 || value > most)
        return Fail(fmt::format("the {} `{}` is {}; it must be 1 to {}", what, expr->text(), value, most));
      values.push_back(static_cast<T>(value));
    }
    return values;
  }

  // Bytes between neighbours of the second dim and on.
  Result<std::vector<uint64_t>> Strides(const std::vector<uint64_t>& dims) const {
    std::vector<uint64_t> strides;
    long long dense = 1;  // elements
    for (size_t i = 1; i < rank_; ++i) {
      if (__builtin_mul_overflow(dense, dims[i - 1], &dense)) dense = LLONG_MAX;
      long long stride = dense;
      if (!map_.strides.empty()) {
        KOPT_TRY(stride, binder_.Evaluate(map_.strides[rank_ - 1 - i], map_.line));
      }
      if (stride < 0 || stride >= kStrideEnd / size_ || stride * size_ % kGranule != 0)
        return Fail(
            fmt::format("the stride of the dim `{}` is {} elements of {} bytes; in bytes it must be a multiple "
                        "of {} from 0 to below 2^40",
                        map_.dims[rank_ - 1 - i].text(), stride, size_, kGranule));
      strides.push_back(static_cast<uint64_t>(stride * size_));
    }
    return strides;
  }

  // The last element that the map addresses lies in the storage.
  Result<void> CheckReach(const BoundTensorMap& bound) const {
    bool overflow = false;
    uint64_t reach = 0;
    for (size_t i = 0; i < rank_; ++i) {
      uint64_t bytes = i == 0 ? static_cast<uint64_t>(size_) : bound.strides[i - 1];
      overflow |= __builtin_mul_overflow(bytes, bound.dims[i] - 1, &bytes);
      overflow |= __builtin_add_overflow(reach, bytes, &reach);
    }
    overflow |= __builtin_add_overflow(reach, static_cast<uint64_t>(size_), &reach);
    if (!overflow && reach <= storage_.bytes) return {};
    return Fail(fmt::format("its dims and strides reach over {} bytes; `{}` has {}",
                            overflow ? "more than 2^64" : std::to_string(reach), map_.tensor, storage_.bytes));
  }

  Result<void> CheckInnermost(const BoundTensorMap& bound) const {
    if (bound.step[0] != 1)
      return Fail(fmt::format("the innermost step `{}` is {}; it must be 1: the hardware ignores it",
                              map_.step.back().text(), bound.step[0]));
    const long long bytes = bound.box[0] * size_;
    const std::string inner = fmt::format("the innermost box extent `{}` has {} bytes", map_.box.back().text(), bytes);
    if (bytes % kGranule != 0) return Fail(fmt::format("{}; they must be a multiple of {}", inner, kGranule));
    if (map_.swizzle > 0 && bytes > map_.swizzle)
      return Fail(fmt::format("{}; with swizzle {} there can be at most {}", inner, map_.swizzle, map_.swizzle));
    return {};
  }

  // What one copy brings fits the shared memory of a block.
  Result<void> CheckBox(const BoundTensorMap& bound) const {
    long long bytes = size_;
    for (size_t i = 0; i < rank_; ++i) bytes *= (bound.box[i] + bound.step[i] - 1) / bound.step[i];
    if (bytes <= limits_.shared_memory) return {};
    return Fail(fmt::format("its box has {} bytes; the shared memory of a block has {}", bytes, limits_.shared_memory));
  }

  const PlanBinder& binder_;
  const TensorMap& map_;
  const MappedStorage& storage_;
  const CudaLimits& limits_;
  size_t rank_;
  long long size_;  // bytes of an element
};

}  // namespace

Result<TensorMapType> TensorMapTypeOf(const TensorMap& map, DType dtype) {
  const std::string_view name = map.type.empty() ? DefaultType(dtype) : std::string_view(map.type);
  const auto* type = std::ranges::find(kTypes, name, &TypeFacts::name);
  if (type->size != Size(dtype))
    return UsageError(
        fmt::format("the type {} has {} bytes, an element of `{}` has {}", name, type->size, map.tensor, Size(dtype)));
  if (map.fill == "nan" && !type->floating)
    return UsageError(fmt::format("`fill nan` is for floating types, not for {}", name));
  return static_cast<TensorMapType>(type - kTypes.begin());
}

Result<BoundTensorMap> BindTensorMap(const PlanBinder& binder, const TensorMap& map, const MappedStorage& storage,
                                     const CudaLimits& limits) {
  return TensorMapBinder(binder, map, storage, limits).Bind();
}

}  // namespace kopt
