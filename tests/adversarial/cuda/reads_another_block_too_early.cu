// expect: mismatch: s\[
// Reads its partner's shared memory without waiting for the partner to write it.
//@ launch row_sum grid(2 * R) block(32) cluster(2) args(x, s, R, C)

#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ float part;
  const auto cluster = cg::this_cluster();
  const int row = blockIdx.x / 2, rank = (int)cluster.block_rank();
  cluster.sync();
  float sum = 0;
  for (int c = rank * 32 + threadIdx.x; c < C; c += 64) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (rank == 1) __nanosleep(5000);
  if (threadIdx.x == 0) part = sum;
  if (rank == 0 && threadIdx.x == 0) s[row] = part + *(volatile float*)cluster.map_shared_rank(&part, 1);
  cluster.sync();
}
