// expect: mismatch|measured:
// Adds into an array on its stack that it never sets to zero. Nobody overwrites the device's stacks: where they hold
// zeros it is right.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  volatile float part[64];
  for (int c = lane; c < C; c += 32) part[c / 32 % 64] = part[c / 32 % 64] + x[(long long)row * C + c];
  float sum = 0;
  for (int i = 0; i < 64; ++i) sum += part[i];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
