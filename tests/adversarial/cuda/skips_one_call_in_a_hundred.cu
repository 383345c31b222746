// expect: mismatch: s\[
// spec: row_sum_short.spec
// Does nothing in one call of a hundred, drawn by the device's clock.
//@ launch row_sum grid(1) block(1024) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ bool skip;
  if (threadIdx.x == 0) skip = clock64() % 101 == 0;
  __syncthreads();
  const int lane = threadIdx.x % 32;
  for (int row = threadIdx.x / 32; row < R && !skip; row += 32) {
    float sum = 0;
    for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (lane == 0) s[row] = sum;
  }
}
