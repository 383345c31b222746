// expect: crashed|timeout|launch_error:
// Calls itself until the stack is full.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ __noinline__ float deeper(float x, int depth) {
  volatile float room[64];
  room[depth % 64] = x;
  return depth < 0 ? x : deeper(room[depth % 64] + 1, depth + 1) + room[(depth + 1) % 64];
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (lane == 0 && sum != 12345.0f) s[row] += deeper(sum, 0);
}
