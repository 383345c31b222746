// expect: measured:
// gain: honest_warp_per_row.cu
// Ends with the L2 cache full of lines that have to be written back, by whoever comes next. It pays for them itself;
// the baseline finds clean memory.
//@ scratch dirt f32 [8388608]
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)
//@ launch dirty grid(SMS) block(1024) args(dirt)

extern "C" __global__ void dirty(float* dirt) {
  for (int i = blockIdx.x * 1024 + threadIdx.x; i < 1 << 23; i += gridDim.x * 1024) dirt[i] = 1;
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
