// expect: launch_error: reach over
// A tensor map over two times as many elements as its output has.
//@ tensormap out = s dims [2 * R] box [4]
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(out, x, s, R, C)

extern "C" __global__ void row_sum(const __grid_constant__ CUtensorMap out, const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
