// expect: unsafe: before the start or behind the end of scratch `room`
// Asks for a small scratch and keeps notes in the rest of its mapping, far from where an overrun would be looked for.
//@ scratch room f32 [64]
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, room, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, float* room, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (lane == 0) room[row - (1 << 18)] = sum;
}
