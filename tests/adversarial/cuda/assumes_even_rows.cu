// expect: crashed: no multiple of its size
// Loads two numbers at a time from every row, also where rows begin at odd ones.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float* mine = x + (long long)row * C;
  float sum = C % 2 && lane == 0 ? mine[C - 1] : 0;
  for (int c = lane; c < C / 2; c += 32) {
    const float2 two = ((const float2*)mine)[c];
    sum += two.x + two.y;
  }
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
