// expect: measured:
// A constant table of device functions; rows that begin at multiples of 16 bytes call another one than the rest.
//@ launch row_sum grid(ceil_div(R, 4)) block(128) args(x, s, R, C)

__device__ float SumElements(const float* in, int C) {
  float sum = 0;
  for (int c = threadIdx.x % 32; c < C; c += 32) sum += in[c];
  return sum;
}
__device__ float SumVectors(const float* in, int C) {
  float sum = 0;
  for (int v = threadIdx.x % 32; v < C / 4; v += 32) {
    const float4 four = ((const float4*)in)[v];
    sum += (four.x + four.y) + (four.z + four.w);
  }
  return sum;
}
using Function = float (*)(const float*, int);
__device__ const Function kSums[4] = {SumVectors, SumElements, SumElements, SumElements};

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32;
  if (row >= R) return;
  float sum = kSums[C % 4](x + (long long)row * C, C);
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) s[row] = sum;
}
