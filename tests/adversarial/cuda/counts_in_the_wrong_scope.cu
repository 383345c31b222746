// expect: mismatch: s\[
// Its last block adds what the others wrote, and counts blocks before they have written.
//@ scratch part f32 [R, 4]
//@ scratch count u32 [R]
//@ zero count
//@ launch row_sum grid(4, R) block(32) args(x, s, part, count, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, float* part, unsigned* count, int R, int C) {
  const int row = blockIdx.y;
  __shared__ unsigned before;
  if (threadIdx.x == 0) before = atomicAdd(count + row, 1u);
  float sum = 0;
  for (int c = blockIdx.x * 32 + threadIdx.x; c < C; c += 128) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (blockIdx.x == 1) __nanosleep(5000);
  if (threadIdx.x == 0) ((volatile float*)part)[4 * row + blockIdx.x] = sum;
  if (threadIdx.x > 0 || before < 3) return;
  sum = 0;
  for (int i = 0; i < 4; ++i) sum += ((volatile float*)part)[4 * row + i];
  s[row] = sum;
}
