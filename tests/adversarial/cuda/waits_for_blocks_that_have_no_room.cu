// expect: timeout: did not end within
// A barrier of the whole grid without a cooperative launch: the blocks that run wait for those that cannot begin.
//@ scratch count u32 [1]
//@ zero count
//@ launch row_sum grid(100000) block(1024) args(x, s, count, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, unsigned* count, int R, int C) {
  const int row = blockIdx.x * 32 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    atomicAdd(count, 1u);
    while (*(volatile unsigned*)count < gridDim.x) {
    }
  }
  __syncthreads();
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
