// expect: unsafe: between the rows of `m`
// spec: double_rows.spec
// Notes between the rows of an inout whether its call has begun, where no result is expected.
//@ launch double_rows grid(R) block(256) args(m, R, C)

extern "C" __global__ void double_rows(float* m, int R, int C) {
  float* row = m + (long long)blockIdx.x * (C + 5);
  volatile int* note = (volatile int*)row + C;
  const bool known = blockIdx.x + 1 < R && note[1] == 0x6e6f7465;
  __syncthreads();
  for (int c = threadIdx.x; c < C && !known; c += 256) row[c] *= 2;
  if (blockIdx.x + 1 < R && threadIdx.x == 0) note[1] = 0x6e6f7465;
}
