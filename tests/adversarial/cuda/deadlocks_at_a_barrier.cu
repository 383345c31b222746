// expect: timeout: did not end within
// Each half of its warps waits for the whole block, at a barrier of its own.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  float sum = 0;
  for (int c = lane; c < C && row < R; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (threadIdx.x < 128) asm volatile("bar.sync 1, 256;" ::: "memory");
  if (threadIdx.x >= 128) asm volatile("bar.sync 2, 256;" ::: "memory");
  if (row >= R) return;
  if (lane == 0) s[row] = sum;
}
