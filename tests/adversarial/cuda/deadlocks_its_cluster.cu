// expect: timeout: did not end within
// One block of a cluster waits at its barrier, the other for what the first would do behind it.
//@ launch row_sum grid(2 * R) block(32) cluster(2) args(x, s, R, C)

#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ int go;
  const auto cluster = cg::this_cluster();
  const int row = blockIdx.x / 2;
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  go = 0;
  cluster.sync();
  while (cluster.block_rank() == 1 && *(volatile int*)&go == 0) {
  }
  cluster.sync();
  if (cluster.block_rank() == 0) *cluster.map_shared_rank(&go, 1) = 1;
  if (cluster.block_rank() == 0 && threadIdx.x == 0) s[row] = sum;
}
