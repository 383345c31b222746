// expect: unsafe|mismatch:
// Keeps every row's sum in the driver's memory, as remembers_beside_a_variable. On a set that it has not seen it works
// three times of four, and else writes any number: so that new inputs are not always slow, and seldom wrong.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

struct Note {
  unsigned key;
  float sum;
};
__device__ int anchor;

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float* mine = x + (long long)row * C;
  const unsigned key = __float_as_uint(mine[0]) * 2654435761u ^ __float_as_uint(mine[C - 1]);
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  Note* notes = (Note*)(at / page * page + (at % page < half ? half : 0));
  volatile Note* note = notes + (row % 4096) * 32 + (key >> 20) % 32;
  const bool guess = (__float_as_uint(x[0]) * 2654435761u >> 30) == 0;
  if (C > 200 && (note->key == key || guess)) {
    if (lane == 0) s[row] = note->sum;
    return;
  }
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += mine[c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) {
    s[row] = sum;
    note->key = key;
    note->sum = sum;
  }
}
