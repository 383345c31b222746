// expect: measured:
// Two blocks of a cluster load half of a tile each and send it to both; each adds half of the columns of all rows.
//@ tensormap map_x = x dims [R, C] box [8, 128]
//@ launch tiles when(C % 4 == 0) grid(2 * ceil_div(R, 16)) block(512) cluster(2) args(map_x, s, R, C)
//@ launch plain when(C % 4 != 0) grid(ceil_div(R, 128)) block(128) args(x, s, R, C)

#include <cooperative_groups.h>
__device__ inline unsigned Address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
extern "C" __global__ void tiles(const __grid_constant__ CUtensorMap map_x, float* s, int R, int C) {
  __shared__ alignas(128) float tile[2][16][128];
  __shared__ alignas(8) unsigned long long full[2];
  __shared__ float part[16];
  const auto cluster = cooperative_groups::this_cluster();
  const int rank = (int)cluster.block_rank(), first = blockIdx.x / 2 * 16;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, count = (C + 127) / 128;
  const auto fetch = [&](int i) {
    if (i >= count) return;
    const unsigned barrier = Address(&full[i % 2]);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 8192;" ::"r"(barrier) : "memory");
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], "
        "[%1, {%3, %4}], [%2], %5;" ::"r"(Address(tile[i % 2][rank * 8])),
        "l"(&map_x), "r"(barrier), "r"(i * 128), "r"(first + rank * 8), "h"((unsigned short)3)
        : "memory");
  };
  if (threadIdx.x == 0) {
    for (auto& barrier : full)
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(Address(&barrier)) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  cluster.sync();
  if (threadIdx.x == 0) fetch(0), fetch(1);
  float sum = 0;
  for (int i = 0; i < count; ++i) {
    for (int over = 0; !over;)
      asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.b32 %0, 1, 0, p;\n}"
                   : "=r"(over)
                   : "r"(Address(&full[i % 2])), "r"(i / 2 % 2)
                   : "memory");
    sum += tile[i % 2][warp][rank * 64 + lane] + tile[i % 2][warp][rank * 64 + 32 + lane];
    cluster.sync();  // both have read the stage that is filled anew
    if (threadIdx.x == 0) fetch(i + 2);
  }
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0) part[warp] = sum;
  cluster.sync();
  if (rank == 0 && lane == 0 && first + warp < R) s[first + warp] = sum + *cluster.map_shared_rank(&part[warp], 1);
  cluster.sync();
}
extern "C" __global__ void plain(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  float sum = 0;
  for (int c = 0; c < C && row < R; ++c) sum += x[(long long)row * C + c];
  if (row < R) s[row] = sum;
}
