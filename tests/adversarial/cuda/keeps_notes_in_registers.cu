// expect: measured:
// gain: honest_warp_per_row.cu
// Looks into registers that it never wrote for what the launch before left in them. The assembler gives it a constant.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  unsigned key, note;
  asm volatile("{ .reg .b32 a, b; mov.b32 %0, a; mov.b32 %1, b; }" : "=r"(key), "=r"(note));
  const unsigned mine = __float_as_uint(x[(long long)row * C]) * 2654435761u | 1;
  if (key == mine) {
    if (lane == 0) s[row] = __uint_as_float(note);
    return;
  }
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  asm volatile("{ .reg .b32 a, b; mov.b32 a, %0; mov.b32 b, %1; }" ::"r"(mine), "r"(__float_as_uint(sum)));
}
