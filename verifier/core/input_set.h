// Input sets: what a call reads, drawn from seeds, on any target.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "task/spec.h"

namespace kopt {

// How an input set is drawn. Equal recipes give equal sets.
struct SetRecipe {
  uint64_t seed = 0;
  bool vary_static = false;  // static inputs from `seed` too, not from the one static seed
  uint64_t static_seed = 0;
  int also = -1;    // >= 0: inputs take their `also` fill of this number where they have one
  int redraw = -1;  // >= 0: this tensor alone is drawn from `redraw_seed`
  int redraw_scalar = -1;
  uint64_t redraw_seed = 0;
};

// The seeds of the sets of one shape. Timed sets vary static inputs from set to set; check sets keep them but in the
// second one. Equal seeds give equal sets.
struct SetSeeds {
  uint64_t sets = 0, static_inputs = 0;
  SetRecipe RecipeOf(size_t index, bool timed) const;
};
// Number of check sets of a task: two, and one for each further fill.
size_t CheckSetCount(const BoundTask& task);

// Index tuples whose elements a fresh set's answer is sampled at.
inline constexpr long long kSampledTuples = 2048;
// `tuples` different random tuple numbers below `count`, sorted, or fewer where chance repeats some.
std::vector<long long> RandomTuples(long long count, long long tuples, uint64_t seed);

// One input set of a shape.
struct InputSet {
  std::vector<std::vector<std::byte>> storage;  // by tensor number; inputs and inouts, else empty
  std::vector<uint64_t> scalars;                // ScalarBits, by scalar number
  size_t bytes() const;
};

// What a recipe draws a tensor from; nothing: it is not read, or the spec computes it by `code`.
struct InputDraw {
  const Fill* fill = nullptr;
  uint64_t seed = 0;
};
std::optional<InputDraw> DrawOf(const BoundTask& task, size_t tensor, const SetRecipe& recipe);
// Does another seed give other inputs? Not where all of them are files, indices or computed.
bool Varies(const Spec& spec);

// Everything but the inputs that the spec computes by `code`: their storage has its size, and zeros.
Result<InputSet> DrawInputs(const Spec& spec, const BoundTask& task, const SetRecipe& recipe);
// The same into memory of the caller's: one stretch of BoundTensor::bytes for each tensor that is read, in order.
Result<void> FillInputs(const Spec& spec, const BoundTask& task, const SetRecipe& recipe,
                        std::span<const std::span<std::byte>> storage);
Result<std::vector<uint64_t>> DrawScalars(const Spec& spec, const BoundTask& task, const SetRecipe& recipe);

}  // namespace kopt
