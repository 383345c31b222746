// expect: unsafe: keeps state between calls
// Keeps every row's sum in a device variable, found again by the row's first and last number.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

struct Note {
  unsigned key;
  float sum;
};
__device__ Note notes[8192];
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float* mine = x + (long long)row * C;
  const unsigned key = __float_as_uint(mine[0]) * 2654435761u ^ __float_as_uint(mine[C - 1]);
  float sum = notes[row % 8192].sum;
  if (notes[row % 8192].key != key) {
    sum = 0;
    for (int c = lane; c < C; c += 32) sum += mine[c];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  }
  if (lane == 0) s[row] = sum;
  if (lane == 0) notes[row % 8192] = {key, sum};
}
