// What the kernels that draw inputs and judge outputs are launched with, for both sides: NVRTC compiles this too,
// without the includes. Pointers are device memory; a storage begins at a multiple of its element's size.
//
//   kopt_draw(StorageLayout, Distribution, std::byte* storage)
//     Draws every element, as FillTensor does: the same bytes. Gaps stay.
//   kopt_fill_gaps(uint64_t seed, unsigned long long bytes, std::byte* storage)
//     What a strided storage holds before its elements are drawn.
//   kopt_compare(CompareRule, StorageLayout, OutputTruth, const std::byte* storage, ComparePart* parts)
//     The tolerance rule on every element. One part a block; FinishComparison takes them.
//   kopt_store_truth(StorageLayout, OutputTruth, int complement, std::byte* storage)
//     Stores the truth's computed elements, rounded to the type, or the complement of their bits. The rest stays.
//   kopt_first_unwritten(const uint32_t* owner, long long elements, unsigned long long* first)
//     Lowers *first (~0 before) to the first element that nobody wrote.
//
// kopt_compare is launched with JudgeBlocks(layout) blocks of kJudgeThreads threads: its result is the same bit by bit
// on every device. The others take any grid.
#pragma once

#include "base/mix.h"
#include "task/distribution.h"
#include "verifier/core/compare_rule.h"

namespace kopt {

inline constexpr int kMostRank = 16;

// Where the logical elements of an output lie.
struct StorageLayout {
  DType dtype = DType::kF32;
  int rank = 0;
  int dense = 1;  // elements lie one after the other: extents and strides are not looked at
  long long elements = 0;
  long long span = 0;  // elements that the storage holds, gaps included
  long long extent[kMostRank] = {};
  long long stride[kMostRank] = {};

  long long Offset(long long logical) const {
    if (dense) return logical;
    long long offset = 0;
    for (int d = rank - 1; d >= 0; --d) {
      offset += logical % extent[d] * stride[d];
      logical /= extent[d];
    }
    return offset;
  }
};

// As Truth in verifier/core/compare.h; null for what the output does not have.
struct OutputTruth {
  const double* value = nullptr;
  const double* variance = nullptr;    // < 0: not computed
  const long long* integer = nullptr;  // integer and bool outputs
  const uint32_t* owner = nullptr;     // integer and bool outputs: 0: not computed; null: all were
};

inline constexpr int kJudgeThreads = 256;
inline int JudgeBlocks(const StorageLayout& layout) {
  const long long blocks = (layout.elements + 4095) / 4096;
  return blocks < 1 ? 1 : blocks > 1024 ? 1024 : static_cast<int>(blocks);
}

}  // namespace kopt
