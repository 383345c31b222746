// expect: measured:
// More precise than was asked for: sums in f64, rounded once.
//@ launch row_sum grid(R) block(128) args(x, s, C)

extern "C" __global__ void row_sum(const float* x, float* s, int C) {
  __shared__ double part[4];
  double sum = 0;
  for (int c = threadIdx.x; c < C; c += 128) sum += x[(long long)blockIdx.x * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) s[blockIdx.x] = __double2float_rn(part[0] + part[1] + part[2] + part[3]);
}
