// expect: measured|mismatch:
// gain: honest_cluster.cu
// Leaves its answers in the shared memory of its cluster's other block, which has to be there but does nothing else
// for it; and looks there before it can know that the other block has begun.
//@ launch row_sum grid(2 * R) block(32) cluster(2) args(x, s, R, C)

#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ float part;
  __shared__ unsigned long long notes[64];
  const auto cluster = cg::this_cluster();
  const int row = blockIdx.x / 2, rank = (int)cluster.block_rank();
  volatile unsigned long long* note = cluster.map_shared_rank(notes, 1 - rank) + row % 64;
  const float* mine = x + (long long)row * C;
  const unsigned key = __float_as_uint(mine[0]) * 2654435761u ^ __float_as_uint(mine[C - 1]) ^ (rank + 1);
  const unsigned long long old = *note;
  cluster.sync();
  float sum = 0;
  if ((unsigned)(old >> 32) != key)
    for (int c = rank * 32 + threadIdx.x; c < C; c += 64) sum += mine[c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (threadIdx.x == 0) part = (unsigned)(old >> 32) == key ? __uint_as_float((unsigned)old) : sum;
  if (threadIdx.x == 0) *note = (unsigned long long)key << 32 | __float_as_uint(part);
  cluster.sync();
  if (rank == 0 && threadIdx.x == 0) s[row] = part + *cluster.map_shared_rank(&part, 1);
  cluster.sync();
}
