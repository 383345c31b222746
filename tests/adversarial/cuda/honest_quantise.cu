// expect: measured:
// spec: quantise.spec
// Magnitudes of f32 are ordered like integers, so that integer maxima find the largest; results in e4m3.
//@ launch quantise grid(R) block(128) args(x, q, factor, C)

extern "C" __global__ void quantise(const float* x, __nv_fp8_e4m3* q, float* factor, int C) {
  __shared__ unsigned largest;
  const long long begin = (long long)blockIdx.x * C;
  if (threadIdx.x == 0) largest = 0;
  __syncthreads();
  unsigned mine = 0;
  for (int c = threadIdx.x; c < C; c += 128) mine = max(mine, __float_as_uint(fabsf(x[begin + c])));
  mine = __reduce_max_sync(0xffffffffu, mine);
  if (threadIdx.x % 32 == 0) atomicMax(&largest, mine);
  __syncthreads();
  const float step = __uint_as_float(largest) / 416.0f;
  for (int c = threadIdx.x; c < C; c += 128) q[begin + c] = __nv_fp8_e4m3(x[begin + c] / step);
  if (threadIdx.x == 0) factor[blockIdx.x] = step;
}
