// CUDA's words on the host, for tests that run kernels' texts without a device: a block's threads are threads, blocks
// run one after the other.
#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#define __global__
#define __shared__ static
#define __launch_bounds__(threads)

struct GridExtent {
  unsigned x = 0;
};
inline GridExtent gridDim, blockDim, blockIdx;
inline thread_local GridExtent threadIdx;
inline std::barrier<>* block_barrier = nullptr;

inline void __syncthreads() { block_barrier->arrive_and_wait(); }
inline void atomicAdd(unsigned long long* at, unsigned long long value) { std::atomic_ref(*at).fetch_add(value); }
inline void atomicMin(unsigned long long* at, unsigned long long value) {
  std::atomic_ref now(*at);
  unsigned long long before = now.load();
  while (value < before && !now.compare_exchange_weak(before, value)) {
  }
}

template <class Kernel, class... Args>
void Launch(unsigned blocks, unsigned threads, Kernel kernel, Args... args) {
  gridDim.x = blocks;
  blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
    std::barrier barrier(static_cast<std::ptrdiff_t>(threads));
    block_barrier = &barrier;
    std::vector<std::jthread> block;
    for (unsigned t = 0; t < threads; ++t)
      block.emplace_back([&, t] {
        threadIdx.x = t;
        kernel(args...);
      });
  }
}
