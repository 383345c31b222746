// expect: measured:
// A barrier in shared memory, and a device variable that stays as it is.
//@ launch row_sum grid(R) block(64) args(x, s, R, C)

#include <cuda/barrier>
__device__ float kZero = 0;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
#pragma nv_diag_suppress static_var_with_dynamic_init
  __shared__ cuda::barrier<cuda::thread_scope_block> bar;
  __shared__ float part[64];
  if (threadIdx.x == 0) init(&bar, 64);
  __syncthreads();
  float sum = kZero;
  for (int c = threadIdx.x; c < C; c += 64) sum += x[(long long)blockIdx.x * C + c];
  part[threadIdx.x] = sum;
  bar.arrive_and_wait();
  if (threadIdx.x > 0) return;
  float all = 0;
  for (int i = 0; i < 64; ++i) all += part[i];
  s[blockIdx.x] = all;
}
