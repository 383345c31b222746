// expect: measured:
// spec: softmax_half.spec
// The device's approximate exponential and division, which are better than f16; pairs of f16 where rows allow it.
//@ launch softmax grid(R) block(128) smem(4 * C) args(x, y, C)

template <class Combine>
__device__ inline float OfBlock(float value, float* shared, Combine combine) {
  for (int by = 16; by > 0; by /= 2) value = combine(value, __shfl_xor_sync(0xffffffffu, value, by));
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  return combine(combine(shared[0], shared[1]), combine(shared[2], shared[3]));
}
extern "C" __global__ void softmax(const __half* x, __half* y, int C) {
  extern __shared__ float row[];
  __shared__ float shared[2][4];
  const long long begin = (long long)blockIdx.x * C;
  float largest = -INFINITY, sum = 0;
  for (int c = threadIdx.x; c < C; c += 128) {
    row[c] = __half2float(x[begin + c]);
    largest = fmaxf(largest, row[c]);
  }
  largest = OfBlock(largest, shared[0], [](float a, float b) { return fmaxf(a, b); });
  for (int c = threadIdx.x; c < C; c += 128) sum += row[c] = __expf(row[c] - largest);
  sum = OfBlock(sum, shared[1], [](float a, float b) { return a + b; });
  if (C % 2 == 0) {
    for (int v = threadIdx.x; v < C / 2; v += 128)
      ((__half2*)(y + begin))[v] = __floats2half2_rn(__fdividef(row[2 * v], sum), __fdividef(row[2 * v + 1], sum));
  } else {
    for (int c = threadIdx.x; c < C; c += 128) y[begin + c] = __float2half_rn(__fdividef(row[c], sum));
  }
}
