// expect: measured:
// The last block resets the counter: the module is as it was.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ unsigned int finished = 0;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  float sum = 0;
  if (row < R)
    for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0 && row < R) s[row] = sum;
  __syncthreads();
  if (threadIdx.x == 0 && atomicAdd(&finished, 1u) == gridDim.x - 1) finished = 0;
}
