// The memory of one input set in a candidate's process: what its calls read and write.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "verifier/cuda/operands.h"
#include "verifier/cuda/own_kernels.h"

namespace kopt::worker {

// A buffer inside a mapping. kopt decides where: the oracle and the candidate's process map the same memory.
struct Place {
  size_t bytes = 0;          // of the data
  size_t offset = 0;         // of the data in the mapping
  size_t mapping_bytes = 0;  // whole units
};

Place PlaceOf(const nlohmann::json& json);  // as TensorPlace::Json writes it

// What a written tensor holds before a call.
enum class PoisonKind { kNan, kOnes, kRandom, kForeign, kForeignComplement };

// One tensor of the task.
struct TensorBuffer {
  enum class Kind { kInput, kInout, kOutput };
  Kind kind = Kind::kInput;
  Place place;
  uint64_t nan = 0;              // eight bytes of the dtype's NaN; of an integer some odd value
  uint64_t keep = 0, set = 0;    // masks that make random bits finite
  std::optional<Layout> layout;  // of a strided one
  Mapping pristine;              // inputs, inouts: what the oracle drew, read-only
  Mapping work;                  // inouts, outputs
  Mapping foreign;               // outputs: the right answer to a set that this process is never given, read-only
  Mapping element_map;           // of a strided one: which elements of the span are none of its gaps
  CUdeviceptr address() const;   // of the data
};

class BufferSet final : public Operands {
 public:
  // `json`: {"tensors": [...], "scratch": [places], "scalars": [u64...]}; `descriptors`: of every input, inout, and of
  // every output with "foreign", in order. They stay the caller's.
  BufferSet(const Device& device, OwnKernels& kernels, const nlohmann::json& json, std::span<const int> descriptors);

  const std::vector<TensorBuffer>& tensors() const { return tensors_; }
  CUdeviceptr TensorAt(size_t index) const override { return tensors_.at(index).address(); }
  // Data of that size, at the end of the buffer's mapping.
  CUdeviceptr ScratchAt(size_t index, size_t bytes) const override;
  uint64_t ScalarAt(size_t index) const override { return scalars_.at(index); }
  void SetScalars(std::vector<uint64_t> scalars) { scalars_ = std::move(scalars); }
  // The data of every inout and output, in order; those without any are left out.
  std::vector<Stretch> Written() const;
  // Everything that calls read and write lies elsewhere from now on.
  void Move(const Device& device);
  // Reads the inputs, so that no translation of their addresses is missing when a call is timed.
  void Touch(OwnKernels& kernels) const;
  // Descriptors of the working memory of inouts and outputs, in order; the caller closes them.
  std::vector<int> Export() const;

  struct Poison {
    PoisonKind kind = PoisonKind::kNan;
    uint64_t seed = 0;
  };
  // Restores inouts, poisons outputs and scratch, renews redzones. `scratch_bytes`: what the plan takes of each
  // scratch.
  void Prepare(OwnKernels& kernels, const Poison& poison, std::span<const size_t> scratch_bytes) const;
  // Adds to counters on the device: for each inout and output, in order, {digest, words damaged around it, elements
  // damaged between its rows}; for each scratch {damaged}.
  size_t CounterCount() const { return 3 * written_ + scratch_.size(); }
  void Inspect(OwnKernels& kernels, const Poison& poison, uint64_t key, std::span<const size_t> scratch_bytes,
               CUdeviceptr counters) const;

 private:
  struct ScratchBuffer {
    Place place;
    Mapping work;
  };
  void PoisonOutput(OwnKernels& kernels, const TensorBuffer& tensor, size_t index, const Poison& poison) const;
  static Pattern PatternOf(const TensorBuffer& tensor, size_t index, const Poison& poison);
  static Pattern Canary(size_t index, const Poison& poison);

  std::vector<TensorBuffer> tensors_;
  std::vector<ScratchBuffer> scratch_;
  std::vector<uint64_t> scalars_;
  size_t written_ = 0;
};

}  // namespace kopt::worker
