// expect: measured:
// Eight blocks share eight rows: each adds a part of all of them, then collects one row from the others' shared memory.
//@ launch row_sum grid(8 * ceil_div(R, 8)) block(256) cluster(8) args(x, s, R, C)

#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ float part[8];
  const auto cluster = cg::this_cluster();
  const int rank = (int)cluster.block_rank(), warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int first = blockIdx.x / 8 * 8, row = first + warp;
  float sum = 0;
  if (row < R)
    for (int c = rank * 32 + lane; c < C; c += 256) sum += x[(long long)row * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0) part[warp] = sum;
  cluster.sync();
  if (warp == 0) {
    float all = lane < 8 ? *cluster.map_shared_rank(&part[rank], lane) : 0;
    for (int by = 4; by > 0; by /= 2) all += __shfl_xor_sync(0xffffffffu, all, by);
    if (lane == 0 && first + rank < R) s[first + rank] = all;
  }
  cluster.sync();  // nobody's shared memory goes while another block reads it
}
