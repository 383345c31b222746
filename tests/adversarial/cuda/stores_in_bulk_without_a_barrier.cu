// expect: measured|mismatch:
// confirm: mismatch: warps that are late
// A warp a row; one thread has the hardware store the sums of 32 rows (cp.async.bulk), without a barrier behind those
// that write them, and only at the scored shape. No tool follows such copies.
//@ launch row_sum when(R % 32 == 0) grid(R / 32) block(1024) args(x, s, C)
//@ launch plain when(R % 32 != 0) grid(ceil_div(R, 128)) block(128) args(x, s, R, C)

__device__ inline unsigned Address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

extern "C" __global__ void row_sum(const float* x, float* s, int C) {
  __shared__ alignas(128) float sums[32];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const float* in = x + ((long long)blockIdx.x * 32 + warp) * C;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += in[c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0) sums[warp] = sum;
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  if (threadIdx.x > 0) return;
  __nanosleep(5000);
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 128;\n"
               "cp.async.bulk.commit_group;\n"
               "cp.async.bulk.wait_group 0;" ::"l"(s + blockIdx.x * 32),
               "r"(Address(sums))
               : "memory");
}

extern "C" __global__ void plain(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  float sum = 0;
  for (int c = 0; c < C && row < R; ++c) sum += x[(long long)row * C + c];
  if (row < R) s[row] = sum;
}
