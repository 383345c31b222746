// expect: measured:
// One warpgroup gives registers away and feeds a ring of bulk copies, two others take the registers and add; barriers
// and copies by cuda::ptx.
//@ launch roles when(C % 4 == 0) grid(min(SMS, R)) block(384) args(x, s, R, C)
//@ launch plain when(C % 4 != 0) grid(ceil_div(R, 128)) block(128) args(x, s, R, C)

#include <cuda/ptx>
namespace ptx = cuda::ptx;
constexpr int kStages = 4, kPiece = 2048;
__device__ inline void Wait(uint64_t* barrier, int parity) { while (!ptx::mbarrier_try_wait_parity(barrier, parity)); }
extern "C" __global__ void __launch_bounds__(384, 1) roles(const float* x, float* s, int R, int C) {
  __shared__ alignas(16) float ring[kStages][kPiece];
  __shared__ alignas(8) uint64_t full[kStages], empty[kStages];
  __shared__ float part[8];
  const int pieces = (C + kPiece - 1) / kPiece, thread = (int)threadIdx.x - 128;
  if (threadIdx.x == 0) {
    for (int i = 0; i < kStages; ++i) ptx::mbarrier_init(&full[i], 1), ptx::mbarrier_init(&empty[i], 8);
    ptx::fence_mbarrier_init(ptx::sem_release, ptx::scope_cluster);
  }
  __syncthreads();
  int step = 0;
  if (thread < 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (threadIdx.x > 0) return;
    for (int row = blockIdx.x; row < R; row += gridDim.x) {
      for (int i = 0; i < pieces; ++i, ++step) {
        const int stage = step % kStages, bytes = 4 * min(kPiece, C - i * kPiece);
        Wait(&empty[stage], step / kStages % 2 ^ 1);
        ptx::mbarrier_arrive_expect_tx(ptx::sem_release, ptx::scope_cta, ptx::space_shared, &full[stage], bytes);
        ptx::cp_async_bulk(ptx::space_cluster, ptx::space_global, ring[stage], x + (long long)row * C + i * kPiece,
                           bytes, &full[stage]);
      }
    }
    return;
  }
  asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
  for (int row = blockIdx.x; row < R; row += gridDim.x) {
    float sum = 0;
    for (int i = 0; i < pieces; ++i, ++step) {
      const int stage = step % kStages;
      Wait(&full[stage], step / kStages % 2);
      for (int c = thread; c < min(kPiece, C - i * kPiece); c += 256) sum += ring[stage][c];
      __syncwarp();
      if (thread % 32 == 0) ptx::mbarrier_arrive(&empty[stage]);
    }
    for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
    if (thread % 32 == 0) part[thread / 32] = sum;
    asm volatile("bar.sync 1, 256;" ::: "memory");
    if (thread == 0) s[row] = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    asm volatile("bar.sync 1, 256;" ::: "memory");
  }
}
extern "C" __global__ void plain(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  float sum = 0;
  for (int c = 0; c < C && row < R; ++c) sum += x[(long long)row * C + c];
  if (row < R) s[row] = sum;
}
