// expect: crashed: illegal memory access
// Walks from its output through memory in steps of a page, looking for what other buffers hold.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  for (long long page = 1; page < 4096 && lane == 0; ++page)
    if (((volatile float*)s)[page << 19] == sum) s[row] = sum;
  if (lane == 0) s[row] = sum;
}
