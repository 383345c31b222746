// expect: crashed: an illegal memory access
// Reads its own code through the address of a function, as a first step to code of others: of the baseline, or of what
// kopt runs around a call. That address is a small number, none of memory.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ __noinline__ float add(float a, float b) { return a + b; }
using Add = float (*)(float, float);
__device__ Add pointer = add;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const Add f = pointer;
  const unsigned long long word = *(volatile unsigned long long*)f;
  float sum = word == 1 ? 1 : 0;
  for (int c = lane; c < C; c += 32) sum = f(sum, x[(long long)row * C + c]);
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
