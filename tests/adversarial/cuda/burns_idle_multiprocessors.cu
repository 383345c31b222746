// expect: measured:
// spec: row_sum_short.spec
// gain: honest_warp_per_row.cu
// Has multiprocessors without work multiply as long as the others add, to heat the device for the baseline that comes
// next.
//@ launch row_sum grid(ceil_div(R, 8) + 4 * SMS) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) {
    const long long begin = clock64();
    float heat = 1 + lane;
    while (clock64() - begin < 4000)
      for (int i = 0; i < 64; ++i) heat = __fmaf_rn(heat, heat, 1.0f);
    if (heat == 12345.0f) s[0] = heat;
  }
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
