// expect: measured:
// A device function that calls itself: the sum of a stretch is that of its halves.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ __noinline__ float Sum(const float* x, int count) {
  if (count <= 8) {
    float sum = 0;
    for (int i = 0; i < count; ++i) sum += x[i];
    return sum;
  }
  const int half = count / 2;
  return Sum(x, half) + Sum(x + half, count - half);
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const int begin = (int)((long long)C * lane / 32), end = (int)((long long)C * (lane + 1) / 32);
  float sum = Sum(x + (long long)row * C + begin, end - begin);
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0) s[row] = sum;
}
