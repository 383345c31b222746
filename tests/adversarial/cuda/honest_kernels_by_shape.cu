// expect: measured:
// Three kernels, of which `when` chooses one: rows of a single element are copied, short ones have a thread each.
//@ launch copy when(C == 1) grid(ceil_div(R, 256)) block(256) args(x, s, R)
//@ launch short_rows when(C > 1 && C <= 100) grid(ceil_div(R, 64)) block(64) args(x, s, R, C)
//@ launch long_rows when(C > 100) grid(R) block(128) args(x, s, C)

extern "C" __global__ void copy(const float* x, float* s, int R) {
  const int row = blockIdx.x * 256 + threadIdx.x;
  if (row < R) s[row] = x[row];
}
extern "C" __global__ void short_rows(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 64 + threadIdx.x;
  if (row >= R) return;
  float even = 0, odd = 0;
  for (int c = 0; c < C; c += 2) even += x[(long long)row * C + c];
  for (int c = 1; c < C; c += 2) odd += x[(long long)row * C + c];
  s[row] = even + odd;
}
extern "C" __global__ void long_rows(const float* x, float* s, int C) {
  __shared__ float part[4];
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += 128) sum += x[(long long)blockIdx.x * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) s[blockIdx.x] = (part[0] + part[1]) + (part[2] + part[3]);
}
