// expect: measured:
// The queue of rows is a device variable; the block that ends last puts it and the count of blocks back to what they
// were.
//@ launch row_sum grid(min(SMS, R)) block(128) args(x, s, R, C)

__device__ int next_row = 0;
__device__ unsigned ended = 0;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ int shared_row;
  __shared__ float part[4];
  for (;;) {
    if (threadIdx.x == 0) shared_row = atomicAdd(&next_row, 1);
    __syncthreads();
    const int row = shared_row;
    if (row >= R) break;
    float sum = 0;
    for (int c = threadIdx.x; c < C; c += 128) sum += x[(long long)row * C + c];
    for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) s[row] = part[0] + part[1] + part[2] + part[3];
  }
  if (threadIdx.x > 0) return;
  __threadfence();
  if (atomicAdd(&ended, 1u) < gridDim.x - 1) return;
  next_row = 0;
  ended = 0;
}
