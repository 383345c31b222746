// expect: mismatch: s\[
// Adds into its output as if it were zeros.
//@ launch row_sum grid(4, R) block(32) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  float sum = 0;
  for (int c = blockIdx.x * 32 + threadIdx.x; c < C; c += 128) sum += x[(long long)blockIdx.y * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (threadIdx.x == 0) atomicAdd(s + blockIdx.y, sum);
}
