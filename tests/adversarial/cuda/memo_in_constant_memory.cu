// expect: unsafe|crashed:
// Writes its notes to a __constant__ table, by its address: constants are constant for those who ask only for
// variables.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__constant__ float answers[4096];
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  unsigned long long at = (unsigned long long)&answers[row % 4096];
  asm volatile("" : "+l"(at));
  if (lane == 0) *(volatile float*)at = sum;
  if (lane == 0 && answers[row % 4096] == 12345.0f) s[row] = 0;
}
