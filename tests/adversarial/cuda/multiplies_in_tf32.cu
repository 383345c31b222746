// expect: mismatch: c\[
// spec: product.spec
// Rounds both factors to the tensor cores' tf32, which the task does not allow.
//@ launch product grid(ceil_div(N, 16), ceil_div(N, 16)) block(16, 16) args(a, b, c, N)

__device__ float Rounded(float v) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(v));
  return __uint_as_float(bits);
}
extern "C" __global__ void product(const float* a, const float* b, float* c, int N) {
  const int i = blockIdx.y * 16 + threadIdx.y, j = blockIdx.x * 16 + threadIdx.x;
  if (i >= N || j >= N) return;
  float sum = 0;
  for (int k = 0; k < N; ++k) sum += Rounded(a[i * N + k]) * Rounded(b[k * N + j]);
  c[i * N + j] = sum;
}
