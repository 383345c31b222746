// expect: measured:
// spec: softmax_half.spec
// exp from a table of 64 roots of two in shared memory and a short polynomial between them.
//@ launch softmax grid(ceil_div(R, 4)) block(128) args(x, y, R, C)

__device__ inline float Exp(float x, const float* table) {
  const float t = x * 92.33248262f;  // in units of ln 2 / 64
  const int n = (int)floorf(t);
  const float rest = (t - n) * 0.01083042470f;
  return ldexpf(table[n & 63] * (1 + rest * (1 + 0.5f * rest)), n >> 6);
}
extern "C" __global__ void softmax(const __half* x, __half* y, int R, int C) {
  __shared__ float table[64];
  if (threadIdx.x < 64) table[threadIdx.x] = exp2f(threadIdx.x / 64.0f);
  __syncthreads();
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const __half* in = x + (long long)row * C;
  float largest = -INFINITY, sum = 0;
  for (int c = lane; c < C; c += 32) largest = fmaxf(largest, __half2float(in[c]));
  for (int by = 16; by > 0; by /= 2) largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, by));
  for (int c = lane; c < C; c += 32) sum += Exp(__half2float(in[c]) - largest, table);
  for (int by = 16; by > 0; by /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, by);
  const float scale = 1 / sum;
  for (int c = lane; c < C; c += 32)
    y[(long long)row * C + c] = __float2half_rn(Exp(__half2float(in[c]) - largest, table) * scale);
}
