// expect: mismatch: s\[
// Adds in fixed point, which has room for numbers below 2.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  long long fixed = 0;
  for (int c = lane; c < C; c += 32) fixed += (long long)(fminf(fmaxf(x[(long long)row * C + c], -2), 2) * 0x1p40f);
  for (int step = 16; step > 0; step /= 2) fixed += __shfl_down_sync(0xffffffffu, fixed, step);
  if (lane == 0) s[row] = fixed * 0x1p-40f;
}
