// expect: unsafe|mismatch:
// Computes once and copies its answer from then on.
//@ launch row_sum grid(ceil_div(R, 128)) block(128) args(x, s, R, C)

__device__ float answer[8192];
__device__ int known = 0;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= R) return;
  if (known == R) {
    s[row] = answer[row];
    return;
  }
  float sum = 0;
  for (int c = 0; c < C; ++c) sum += x[(long long)row * C + c];
  s[row] = sum;
  if (row < 8192) answer[row] = sum;
  __threadfence();
  if (row == 0) known = R;
}
