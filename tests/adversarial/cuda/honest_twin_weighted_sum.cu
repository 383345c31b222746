// expect: measured:
// spec: weighted_sum.spec
// A warp for each row; the weights are read every time.
//@ launch weighted_sum grid(ceil_div(R, 8)) block(256) args(x, w, s)

extern "C" __global__ void weighted_sum(const float* x, const float* w, float* s) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[row * C + c] * w[c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
