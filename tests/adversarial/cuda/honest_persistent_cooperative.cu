// expect: measured:
// As many blocks as the device holds, in one cooperative launch with a barrier of the whole grid.
//@ scratch part f32 [R]
//@ launch row_sum grid(SMS * occupancy(row_sum)) block(256) cooperative args(x, s, part, R, C)

#include <cooperative_groups.h>
extern "C" __global__ void row_sum(const float* x, float* s, float* part, int R, int C) {
  const int warps = gridDim.x * 8, first = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int row = first; row < R; row += warps) {
    float sum = 0;
    for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
    for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (lane == 0) part[row] = sum;
  }
  cooperative_groups::this_grid().sync();
  for (int row = blockIdx.x * blockDim.x + threadIdx.x; row < R; row += gridDim.x * blockDim.x) s[row] = part[row];
}
