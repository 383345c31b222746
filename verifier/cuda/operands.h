// What a plan's arguments are bound to.
#pragma once

#include <cuda.h>

#include <cstddef>
#include <cstdint>

namespace kopt::worker {

class Operands {
 public:
  virtual ~Operands() = default;
  virtual CUdeviceptr TensorAt(size_t index) const = 0;
  virtual CUdeviceptr ScratchAt(size_t index, size_t bytes) const = 0;
  virtual uint64_t ScalarAt(size_t index) const = 0;
};

}  // namespace kopt::worker
