// What the kernels that judge outputs are launched with, for both sides: NVRTC compiles this too, without the includes.
// Pointers are device memory; a storage begins at a multiple of its element's size.
//
//   kopt_compare(CompareRule, StorageLayout, OutputTruth, const std::byte* storage, ComparePart* parts)
//     The tolerance rule on every element. One part a block; FinishComparison takes them.
//   kopt_digest(StorageLayout, const std::byte* storage, uint64_t key, uint64_t* parts)
//     A keyed digest of every element's bytes, gaps left out, wherever the storage lies. One part a block;
//     CombineDigest takes them.
//   kopt_poison(StorageLayout, PoisonPattern, uint64_t seed, std::byte* storage)
//     Fills the whole storage, gaps included.
//   kopt_store_truth(StorageLayout, OutputTruth, int complement, std::byte* storage)
//     Stores the truth's computed elements, rounded to the type, or the complement of their bits. The rest stays.
//   kopt_first_unwritten(const uint32_t* owner, long long elements, unsigned long long* first)
//     Lowers *first (~0 before) to the first element that nobody wrote.
//
// kopt_compare and kopt_digest are launched with JudgeBlocks(layout) blocks of kJudgeThreads threads: results are the
// same bit by bit on every device. The others take any grid.
#pragma once

#include "base/mix.h"
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

// NaN is 0x5A in integers. Random: finite values between -2 and 2, integers from all their bits, bools 0 and 1.
enum class PoisonPattern { kZeros, kOnes, kNan, kRandom };

inline constexpr int kJudgeThreads = 256;
inline int JudgeBlocks(const StorageLayout& layout) {
  const long long blocks = (layout.elements + 4095) / 4096;
  return blocks < 1 ? 1 : blocks > 1024 ? 1024 : static_cast<int>(blocks);
}

// One step of the digest. Not cryptographic: it stands against a candidate that does not know the key.
inline uint64_t FoldDigest(uint64_t digest, uint64_t word, uint64_t key) { return Mix(digest ^ word, key); }

}  // namespace kopt
