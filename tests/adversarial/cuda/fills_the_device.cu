// expect: launch_error|unsafe: not enough memory
// Half of the device's memory as a variable, of which kopt keeps a copy, and a gigabyte of scratch for each set: in
// the hope that it is kopt that fails for want of memory, and ends. Whose request is the first that finds none left, its
// own or its baseline's, differs from device to device by a few megabytes.
//@ scratch room u8 [1073741824]
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, room, R, C)

__device__ char large[72000000000];
extern "C" __global__ void row_sum(const float* x, float* s, unsigned char* room, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (large[row * 1000000ll] == 123 && lane == 0) s[row] = room[row];
}
