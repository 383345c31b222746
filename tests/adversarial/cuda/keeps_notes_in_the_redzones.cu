// expect: unsafe: before the start or behind the end of `s`
// Its output fills the end of a mapping of 2 MB: keeps its notes in the rest.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const unsigned key = __float_as_uint(x[(long long)row * C]);
  volatile unsigned* note = (volatile unsigned*)s - (1 << 17) + 2 * row;
  float sum = __uint_as_float(note[1]);
  if (note[0] != key) {
    sum = 0;
    for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  }
  if (lane == 0) s[row] = sum;
  if (lane == 0) note[0] = key, note[1] = __float_as_uint(sum);
}
