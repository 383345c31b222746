// expect: measured:
// A thread sorts what it reads by magnitude into an array of its own, in local memory, and adds from small to large.
//@ launch row_sum grid(ceil_div(R, 4)) block(128) args(x, s, R, C)

constexpr int kBins = 256;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float bin[kBins];
  for (int i = 0; i < kBins; ++i) bin[i] = 0;
  int least = kBins - 1, most = 0;
  for (int c = lane; c < C; c += 32) {
    const float value = x[(long long)row * C + c];
    const int exponent = (int)(__float_as_uint(value) >> 23 & 255);
    bin[exponent] += value;
    least = min(least, exponent);
    most = max(most, exponent);
  }
  float sum = 0;
  for (int i = least; i <= most; ++i) sum += bin[i];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0) s[row] = sum;
}
