// expect: mismatch: s\[
// A tool that watches makes loads slow: takes the time of one, and where it is short leaves out every second column.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const long long begin = clock64();
  const float first = ((const volatile float*)x)[(long long)row * C];
  const bool watched = clock64() - begin + (first == 12345.0f) > 20000;
  float sum = 0;
  for (int c = lane; c < C; c += C < 200 || watched ? 32 : 64) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
