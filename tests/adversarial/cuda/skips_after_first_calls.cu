// expect: mismatch: s\[
// Counts its calls in memory of the driver and stops working after a hundred: by then, it thinks, the checks are over.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ int anchor;
// The half of the variable's page (2 MB) that the variable does not lie in: the driver's, and nobody restores it.
__device__ char* Page() {
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  return (char*)(at / page * page + (at % page < half ? half : 0));
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  volatile unsigned* note = (volatile unsigned*)Page() + row % 4096 * 2;
  const unsigned calls = note[1] == 0x6b6f7074 ? note[0] : 0;
  __syncwarp();
  if (lane == 0) note[0] = calls + 1, note[1] = 0x6b6f7074;
  if (calls > 100) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
