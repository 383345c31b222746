// A candidate's plan, bound to a shape, as it is put into the stream.
#pragma once

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "verifier/cuda/blocked_timer.h"
#include "verifier/cuda/library_call.h"
#include "verifier/cuda/operands.h"

namespace kopt::worker {

struct PlanArg {
  enum class Kind { kTensor, kScratch, kScalar, kMap, kImmediate };
  Kind kind = Kind::kImmediate;
  uint64_t value = 0;  // a number: of the tensor, scratch, scalar, map; or the immediate itself
};

struct PlanStep {
  CUfunction function = nullptr;  // null: a memset to zero of `zeroed`, or a library
  std::string name;               // of the kernel
  PlanArg zeroed;
  size_t zero_bytes = 0;
  std::array<unsigned, 3> grid{1, 1, 1}, block{1, 1, 1}, cluster{0, 0, 0};
  unsigned shared = 0;
  bool cooperative = false, dependent = false;
  std::vector<PlanArg> args;
  std::shared_ptr<LibraryCall> library;  // in place of all of these
};

struct PlanMap {
  PlanArg base;  // a tensor or scratch
  CUtensorMapDataType type = CU_TENSOR_MAP_DATA_TYPE_UINT8;
  std::vector<cuuint64_t> dims, strides;  // innermost first; bytes, one fewer
  std::vector<cuuint32_t> box, step;
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_NONE;
  CUtensorMapL2promotion promotion = CU_TENSOR_MAP_L2_PROMOTION_NONE;
  bool nan_fill = false;
};

class Plan {
 public:
  // {"steps": [...], "maps": [...], "scratch": [bytes]}; kernels are those of `module`, which must outlive the plan.
  // Throws DriverError: a function that is not there, shared memory or a cluster that the device does not allow.
  Plan(const Device& device, Module& module, const nlohmann::json& json);

  const std::vector<size_t>& scratch_bytes() const { return scratch_bytes_; }
  size_t launches() const { return steps_.size(); }
  const std::vector<PlanStep>& steps() const { return steps_; }
  const Module& module() const { return *module_; }
  // Encodes what depends on a set's addresses, once for each set; before anything is timed.
  void Bind(const Device& device, const Operands& set, int number);
  // Puts every step into the stream, behind `timer` where there is one. The error's words name the kernel.
  void Launch(const Device& device, int number, BlockedTimer* timer = nullptr);
  bool launched() const { return launched_; }
  // Of a library's plan, see library_call.h; null where kernels are its steps.
  LibraryCall* library() const { return steps_.empty() ? nullptr : steps_.front().library.get(); }
  void Choose(size_t proposal) {
    library()->Choose(proposal);
    launched_ = false;  // its code may be loaded at the first launch
  }

 private:
  // Arguments of every step for one set: values, and where they are.
  struct Bound {
    std::vector<CUtensorMap> maps;
    std::vector<std::vector<uint64_t>> values;
    std::vector<std::vector<void*>> pointers;
    std::vector<CUdeviceptr> zeroed;
  };
  CUdeviceptr AddressOf(const PlanArg& arg, const Operands& set) const;
  const Module* module_;
  std::vector<PlanStep> steps_;
  std::vector<PlanMap> maps_;
  std::vector<size_t> scratch_bytes_;
  std::map<int, Bound> bound_;
  bool launched_ = false;
};

}  // namespace kopt::worker
