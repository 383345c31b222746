// 16 bytes a thread and step, four steps in flight.
//@ launch copy grid(SMS * 8) block(512) args(x, y, N)

extern "C" __global__ void copy(const float* x, float* y, int N) {
  const float4* from = reinterpret_cast<const float4*>(x);
  float4* to = reinterpret_cast<float4*>(y);
  const int count = N / 4, step = gridDim.x * blockDim.x;
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  for (; i + 3 * step < count; i += 4 * step) {
    float4 held[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) held[k] = __ldcs(from + i + k * step);
#pragma unroll
    for (int k = 0; k < 4; ++k) __stcs(to + i + k * step, held[k]);
  }
  for (; i < count; i += step) to[i] = from[i];
  if (blockIdx.x == 0 && threadIdx.x < N % 4) y[count * 4 + threadIdx.x] = x[count * 4 + threadIdx.x];
}
