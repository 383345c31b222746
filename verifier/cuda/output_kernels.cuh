// The kernels of verifier/cuda/output_kernels.h.
#include "verifier/cuda/output_kernels.h"

namespace kopt {

inline long long FirstOfThread() { return static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; }
inline long long AllThreads() { return static_cast<long long>(gridDim.x) * blockDim.x; }

// Reduces a block's values, one a thread, in a fixed tree; thread 0 has the result. combine(a, b): b's thread is later.
template <class Value, class Combine>
inline void ReduceBlock(Value* values, const Value& mine, const Combine& combine) {
  values[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) combine(values[threadIdx.x], values[threadIdx.x + half]);
    __syncthreads();
  }
}

inline bool IsComputed(const OutputTruth& truth, long long index) {
  if (truth.variance != nullptr) return truth.variance[index] >= 0;
  return truth.owner == nullptr || truth.owner[index] != 0;
}

inline void CompareElement(ComparePart& part, const CompareRule& rule, const OutputTruth& truth, long long index,
                           const std::byte* storage, long long offset) {
  if (IsFloating(rule.dtype)) {
    const double got = LoadReal(rule.dtype, storage, static_cast<size_t>(offset));
    part.AddReal(rule, index, got, truth.value[index], truth.variance[index]);
  } else if (IsComputed(truth, index)) {
    part.AddInteger(rule, index, LoadStored(rule.dtype, storage, offset), truth.integer[index]);
  }
}

extern "C" __global__ void kopt_compare(CompareRule rule, StorageLayout layout, OutputTruth truth,
                                        const std::byte* storage, ComparePart* parts) {
  alignas(8) __shared__ unsigned char room[kJudgeThreads * sizeof(ComparePart)];
  ComparePart* shared = reinterpret_cast<ComparePart*>(room);
  ComparePart mine;
  for (long long i = FirstOfThread(); i < layout.elements; i += AllThreads())
    CompareElement(mine, rule, truth, i, storage, layout.Offset(i));
  ReduceBlock(shared, mine, [](ComparePart& a, const ComparePart& b) { a.Add(b); });
  if (threadIdx.x == 0) parts[blockIdx.x] = shared[0];
}

// An element's bits.
inline uint64_t WordAt(const std::byte* storage, size_t size, long long offset) {
  const size_t at = static_cast<size_t>(offset);
  if (size == 8) return LoadBytes<uint64_t>(storage, at);
  if (size == 4) return LoadBytes<uint32_t>(storage, at);
  if (size == 2) return LoadBytes<uint16_t>(storage, at);
  return LoadBytes<uint8_t>(storage, at);
}

// Eight bytes of elements that lie one after the other, wherever the storage begins.
inline uint64_t EightBytesAt(const std::byte* storage, size_t size, long long word) {
  if (reinterpret_cast<size_t>(storage) % 8 == 0) return WordAt(storage, 8, word);
  const long long elements = 8 / static_cast<long long>(size);
  uint64_t bits = 0;
  for (long long i = elements; i-- > 0;)
    bits = (bits << (4 * size) << (4 * size)) | WordAt(storage, size, word * elements + i);
  return bits;
}

// The digest of a thread's share of a storage.
inline uint64_t DigestShare(const StorageLayout& layout, const std::byte* storage, uint64_t key) {
  uint64_t digest = Mix(key, static_cast<uint64_t>(FirstOfThread()));
  const size_t size = Size(layout.dtype);
  long long begin = 0;
  if (layout.dense) {
    const long long words = layout.elements * static_cast<long long>(size) / 8;
    for (long long i = FirstOfThread(); i < words; i += AllThreads())
      digest = FoldDigest(digest, EightBytesAt(storage, size, i), key);
    begin = words * 8 / static_cast<long long>(size);
  }
  for (long long i = begin + FirstOfThread(); i < layout.elements; i += AllThreads())
    digest = FoldDigest(digest, WordAt(storage, size, layout.Offset(i)), key);
  return digest;
}

extern "C" __global__ void kopt_digest(StorageLayout layout, const std::byte* storage, uint64_t key, uint64_t* parts) {
  __shared__ uint64_t shared[kJudgeThreads];
  ReduceBlock(shared, DigestShare(layout, storage, key),
              [key](uint64_t& a, const uint64_t& b) { a = FoldDigest(a, Mix(b, key), key); });
  if (threadIdx.x == 0) parts[blockIdx.x] = shared[0];
}

inline void PoisonElement(DType dtype, PoisonPattern pattern, uint64_t random, std::byte* storage, size_t index) {
  if (pattern == PoisonPattern::kRandom && IsFloating(dtype))
    return StoreReal(dtype, storage, index, static_cast<double>(static_cast<int64_t>(random)) * 0x1p-62);
  if (pattern == PoisonPattern::kRandom) return StoreInt(dtype, storage, index, static_cast<long long>(random));
  if (pattern == PoisonPattern::kNan && IsFloating(dtype))
    return StoreReal(dtype, storage, index, std::numeric_limits<double>::quiet_NaN());
  const unsigned byte = pattern == PoisonPattern::kOnes ? 0xFF : pattern == PoisonPattern::kNan ? 0x5A : 0;
  const size_t size = Size(dtype);
  for (size_t i = 0; i < size; ++i) storage[index * size + i] = static_cast<std::byte>(byte);
}

extern "C" __global__ void kopt_poison(StorageLayout layout, PoisonPattern pattern, uint64_t seed, std::byte* storage) {
  for (long long i = FirstOfThread(); i < layout.span; i += AllThreads()) {
    const uint64_t random = Mix(seed, static_cast<uint64_t>(i));
    PoisonElement(layout.dtype, pattern, layout.dtype == DType::kBool ? random & 1 : random, storage,
                  static_cast<size_t>(i));
  }
}

extern "C" __global__ void kopt_store_truth(StorageLayout layout, OutputTruth truth, int complement,
                                            std::byte* storage) {
  const size_t size = Size(layout.dtype);
  for (long long i = FirstOfThread(); i < layout.elements; i += AllThreads()) {
    if (!IsComputed(truth, i)) continue;
    const size_t at = static_cast<size_t>(layout.Offset(i));
    if (IsFloating(layout.dtype))
      StoreReal(layout.dtype, storage, at, truth.value[i]);
    else
      StoreInt(layout.dtype, storage, at, truth.integer[i]);
    for (size_t k = at * size; complement && k < (at + 1) * size; ++k)
      storage[k] = static_cast<std::byte>(static_cast<unsigned char>(storage[k]) ^ 0xFF);
  }
}

extern "C" __global__ void kopt_first_unwritten(const uint32_t* owner, long long elements, unsigned long long* first) {
  for (long long i = FirstOfThread(); i < elements; i += AllThreads())
    if (owner[i] == 0) {
      atomicMin(first, static_cast<unsigned long long>(i));
      return;
    }
}

}  // namespace kopt
