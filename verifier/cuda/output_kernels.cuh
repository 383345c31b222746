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

extern "C" __global__ void kopt_draw(StorageLayout layout, Distribution drawn, std::byte* storage) {
  for (long long i = FirstOfThread(); i < layout.elements; i += AllThreads()) {
    const size_t at = static_cast<size_t>(layout.Offset(i));
    const uint64_t index = static_cast<uint64_t>(i);
    if (drawn.IsReal())
      StoreReal(layout.dtype, storage, at, drawn.Real(index));
    else
      StoreInt(layout.dtype, storage, at, drawn.Integer(index));
  }
}

extern "C" __global__ void kopt_fill_gaps(uint64_t seed, unsigned long long bytes, std::byte* storage) {
  for (unsigned long long i = static_cast<unsigned long long>(FirstOfThread()); i < bytes;
       i += static_cast<unsigned long long>(AllThreads()))
    storage[i] = static_cast<std::byte>(static_cast<unsigned char>(GapWord(seed, i / 8 * 8) >> (8 * (i % 8))));
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
