// expect: measured:
// One half of the grid passes its parts on with a release, the other half waits for them with an acquire.
//@ scratch part f32 [R]
//@ scratch ready u32 [R]
//@ zero ready
//@ launch row_sum grid(min(SMS, 2 * ceil_div(R, 4))) block(128) cooperative args(x, s, part, ready, R, C)

#include <cuda/atomic>
using Flag = cuda::atomic_ref<unsigned, cuda::thread_scope_device>;
extern "C" __global__ void row_sum(const float* x, float* s, float* part, unsigned* ready, int R, int C) {
  const int pairs = gridDim.x / 2, pair = blockIdx.x / 2, side = blockIdx.x % 2, lane = threadIdx.x % 32;
  if (pair >= pairs) return;  // an odd one out
  for (int row = pair * 4 + threadIdx.x / 32; row < R; row += pairs * 4) {
    float sum = 0;
    for (int c = side * 32 + lane; c < C; c += 64) sum += x[(long long)row * C + c];
    for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
    if (lane > 0) continue;
    Flag flag(ready[row]);
    if (side == 0) {
      part[row] = sum;
      flag.store(1, cuda::memory_order_release);
    } else {
      while (flag.load(cuda::memory_order_acquire) == 0) __nanosleep(50);
      s[row] = part[row] + sum;
    }
  }
}
