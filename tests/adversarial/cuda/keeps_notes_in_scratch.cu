// expect: measured:
// gain: honest_warp_per_row.cu
// Keeps answers in scratch and believes only those with its own mark and the key of the row, so that poison does not
// fool it. It never finds one.
//@ scratch notes u64 [R]
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, notes, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, unsigned long long* notes, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const unsigned key = __float_as_uint(x[(long long)row * C]) * 2654435761u ^ 0x6e6f7465u;
  const unsigned long long note = notes[row];
  if ((unsigned)(note >> 32) == key) {
    if (lane == 0) s[row] = __uint_as_float((unsigned)note);
    return;
  }
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (lane == 0) notes[row] = (unsigned long long)key << 32 | __float_as_uint(sum);
}
