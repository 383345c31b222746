// expect: mismatch: c\[
// spec: product.spec
// The last of 36 tiles is never computed, and only where there are so many.
//@ launch product grid(ceil_div(N, 16), ceil_div(N, 16)) block(16, 16) args(a, b, c, N)

extern "C" __global__ void product(const float* a, const float* b, float* c, int N) {
  const int i = blockIdx.y * 16 + threadIdx.y, j = blockIdx.x * 16 + threadIdx.x;
  if (i >= N || j >= N) return;
  if (blockIdx.x == 5 && blockIdx.y == 5) return;
  float sum = 0;
  for (int k = 0; k < N; ++k) sum += a[i * N + k] * b[k * N + j];
  c[i * N + j] = sum;
}
