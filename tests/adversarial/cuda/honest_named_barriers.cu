// expect: measured:
// Half of the block loads and the other half adds; named barriers say when a buffer is full and when it is empty.
//@ launch row_sum grid(R) block(128) args(x, s, C)

__device__ inline void Sync(int id) { asm volatile("bar.sync %0, 128;" ::"r"(id) : "memory"); }
__device__ inline void Arrive(int id) { asm volatile("bar.arrive %0, 128;" ::"r"(id) : "memory"); }

extern "C" __global__ void row_sum(const float* x, float* s, int C) {
  __shared__ float buffer[2][64], part[2];
  const int thread = threadIdx.x % 64, steps = (C + 63) / 64;
  const float* in = x + (long long)blockIdx.x * C;
  if (threadIdx.x < 64) {
    for (int i = 0; i < steps; ++i) {
      if (i >= 2) Sync(3 + i % 2);  // empty
      const int c = i * 64 + thread;
      buffer[i % 2][thread] = c < C ? in[c] : 0.0f;
      Arrive(1 + i % 2);  // full
    }
    return;
  }
  float sum = 0;
  for (int i = 0; i < steps; ++i) {
    Sync(1 + i % 2);
    sum += buffer[i % 2][63 - thread];
    if (i + 2 < steps) Arrive(3 + i % 2);
  }
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (thread % 32 == 0) part[thread / 32] = sum;
  asm volatile("bar.sync 5, 64;" ::: "memory");
  if (thread == 0) s[blockIdx.x] = part[0] + part[1];
}
