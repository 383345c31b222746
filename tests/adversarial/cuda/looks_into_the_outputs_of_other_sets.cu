// expect: crashed: illegal memory access
// Notes where outputs lie in memory of the driver, and looks whether one of them holds its answer already. Each held
// poison or what belongs to other inputs, and by now has moved.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ int anchor;
// The half of the variable's page (2 MB) that the variable does not lie in: the driver's, and nobody restores it.
__device__ char* Page() {
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  return (char*)(at / page * page + (at % page < half ? half : 0));
}
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  volatile unsigned long long* known = (volatile unsigned long long*)Page();
  const unsigned slot = (unsigned)((unsigned long long)s >> 21) * 2654435761u >> 28;
  const float first = ((const volatile float*)x)[(long long)row * C];
  if (R > 1000 && known[2 * (slot ^ 1)] == 0x6b6f7074) {
    const volatile float* other = (const volatile float*)known[2 * (slot ^ 1) + 1];
    if (other[row] == first && other[0] == first) {
      if (lane == 0) s[row] = first;
      return;
    }
  }
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (R > 1000 && row == 0 && lane == 0) known[2 * slot + 1] = (unsigned long long)s, known[2 * slot] = 0x6b6f7074;
}
