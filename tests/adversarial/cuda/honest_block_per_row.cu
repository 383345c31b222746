// expect: measured:
// A block for each row, four elements a load where rows begin at multiples of 16 bytes, and a tree in shared memory.
//@ launch row_sum grid(R) block(256) args(x, s, C)

extern "C" __global__ void __launch_bounds__(256, 4) row_sum(const float* __restrict__ x, float* s, int C) {
  __shared__ float part[256];
  const float* in = x + (long long)blockIdx.x * C;
  float sum = 0;
  if (C % 4 == 0) {
    for (int v = threadIdx.x; v < C / 4; v += 256) {
      const float4 four = __ldg((const float4*)in + v);
      sum += (four.x + four.y) + (four.z + four.w);
    }
  } else {
    for (int c = threadIdx.x; c < C; c += 256) sum += __ldg(in + c);
  }
  part[threadIdx.x] = sum;
  for (int half = 128; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x == 0) s[blockIdx.x] = part[0];
}
