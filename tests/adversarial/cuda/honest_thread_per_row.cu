// expect: measured:
// One thread for each row, with four sums of its own so that additions do not wait for one another.
//@ launch row_sum grid(ceil_div(R, 32)) block(32) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 32 + threadIdx.x;
  if (row >= R) return;
  const float* in = x + (long long)row * C;
  float sum[4] = {};
  int c = 0;
#pragma unroll 4
  for (; c + 4 <= C; c += 4) {
#pragma unroll
    for (int i = 0; i < 4; ++i) sum[i] += in[c + i];
  }
  for (; c < C; ++c) sum[0] += in[c];
  s[row] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
