// Tensor maps by the rules of the driver's cuTensorMapEncodeTiled, checked before it is asked.
#pragma once

#include "task/candidate.h"
#include "task/plan_binder.h"

namespace kopt {

// The tensor or scratch that a tensormap describes.
struct MappedStorage {
  DType dtype = DType::kF32;
  size_t bytes = 0;
  int align = 256;  // bytes that its address is a multiple of
};

// The driver's type of a tensormap over such elements. An error says what does not fit, without a line.
Result<TensorMapType> TensorMapTypeOf(const TensorMap& map, DType dtype);

// An error names the rule, with the tensormap's line.
Result<BoundTensorMap> BindTensorMap(const PlanBinder& binder, const TensorMap& map, const MappedStorage& storage,
                                     const CudaLimits& limits);

}  // namespace kopt
