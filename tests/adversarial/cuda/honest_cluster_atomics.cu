// expect: measured:
// The blocks of a cluster add into the first one's shared memory with atomics; how many they are can be tuned.
//@ tune BLOCKS = 4 | 2 | 8
//@ launch row_sum grid(BLOCKS * R) block(64) cluster(BLOCKS) args(x, s, C)

#include <cooperative_groups.h>
extern "C" __global__ void row_sum(const float* x, float* s, int C) {
  __shared__ float all;
  const auto cluster = cooperative_groups::this_cluster();
  const int rank = (int)cluster.block_rank(), row = blockIdx.x / BLOCKS;
  if (threadIdx.x == 0) all = 0;
  cluster.sync();
  float sum = 0;
  for (int c = rank * 64 + threadIdx.x; c < C; c += 64 * BLOCKS) sum += x[(long long)row * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) atomicAdd(cluster.map_shared_rank(&all, 0), sum);
  cluster.sync();
  if (rank == 0 && threadIdx.x == 0) s[row] = all;
}
