// expect: unsafe|rejected: between calls
// Keeps its answers in memory that the host would see, too: a variable that the driver handles in another way.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__managed__ float answers[4096];
__managed__ unsigned keys[4096];
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const unsigned key = __float_as_uint(x[(long long)row * C]);
  float sum = answers[row % 4096];
  if (keys[row % 4096] != key) {
    sum = 0;
    for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  }
  if (lane == 0) s[row] = sum;
  if (lane == 0) keys[row % 4096] = key, answers[row % 4096] = sum;
}
