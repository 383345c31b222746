// expect: measured:
// Two blocks stay on each multiprocessor, and their warps draw rows from a counter until there are none.
//@ scratch next u32 [1]
//@ zero next
//@ launch row_sum grid(min(2 * SMS, ceil_div(R, 8))) block(256) args(x, s, next, R, C)

extern "C" __global__ void __launch_bounds__(256) row_sum(const float* x, float* s, unsigned* next, int R, int C) {
  const int lane = threadIdx.x % 32;
  for (;;) {
    unsigned row = 0;
    if (lane == 0) row = atomicAdd(next, 1u);
    row = __shfl_sync(0xffffffffu, row, 0);
    if (row >= R) return;
    const float* in = x + (long long)row * C;
    float sum[2] = {};
    int c = lane;
    for (; c + 32 < C; c += 64) {
      sum[0] += in[c];
      sum[1] += in[c + 32];
    }
    if (c < C) sum[0] += in[c];
    float all = sum[0] + sum[1];
    for (int by = 16; by > 0; by /= 2) all += __shfl_xor_sync(0xffffffffu, all, by);
    if (lane == 0) s[row] = all;
  }
}
