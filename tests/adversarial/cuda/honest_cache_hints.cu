// expect: measured:
// Loads past L1 with a policy that asks L2 to give the lines up first, and stores that stream.
//@ launch row_sum grid(ceil_div(R, 4)) block(128) args(x, s, R, C)

__device__ inline float Load(const float* from, unsigned long long policy) {
  float value;
  asm volatile("ld.global.nc.L1::no_allocate.L2::cache_hint.f32 %0, [%1], %2;" : "=f"(value) : "l"(from), "l"(policy));
  return value;
}

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  unsigned long long policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  const float* in = x + (long long)row * C;
  float sum = 0;
#pragma unroll 8
  for (int c = lane; c < C; c += 32) sum += Load(in + c, policy);
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0) __stcs(s + row, sum);
}
