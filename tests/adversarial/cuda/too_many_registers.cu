// expect: launch_error: more registers
// A block of 1024 threads with more registers than there are.
//@ launch row_sum grid(ceil_div(R, 8)) block(1024) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  float r[160];
#pragma unroll
  for (int i = 0; i < 160; ++i) r[i] = x[i * lane % C];
  __syncwarp();
  float rest = 0;
#pragma unroll
  for (int i = 0; i < 160; ++i) rest += r[159 - i] * r[i] * (sum + i);
  if (lane == 0) s[row] = sum + (rest == 12345.0f);
}
