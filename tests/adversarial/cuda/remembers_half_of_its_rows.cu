// expect: unsafe: it keeps answers between calls
// Remembers the sums of every second row in memory of the driver: a smaller gain, in the hope that it passes for
// noise.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ int anchor;
// The half of the variable's page (2 MB) that the variable does not lie in: the driver's, and nobody restores it.
__device__ char* Page() {
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  return (char*)(at / page * page + (at % page < half ? half : 0));
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float* mine = x + (long long)row * C;
  const unsigned key = __float_as_uint(mine[0]) * 2654435761u ^ __float_as_uint(mine[C - 1]);
  volatile unsigned* note = (volatile unsigned*)Page() + ((row / 2 % 2048) * 64 + (key >> 20) % 64) * 2;
  if (C > 200 && row % 2 == 0 && note[0] == key) {
    if (lane == 0) s[row] = __uint_as_float(note[1]);
    return;
  }
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (lane == 0 && row % 2 == 0) note[1] = __float_as_uint(sum), note[0] = key;
}
