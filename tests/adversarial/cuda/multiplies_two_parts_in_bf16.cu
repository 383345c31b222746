// expect: mismatch: c\[
// spec: product.spec
// Splits each factor into two numbers of bf16 and leaves out the product of the small parts, and with it all that
// three parts would have.
//@ launch product grid(ceil_div(N, 16), ceil_div(N, 16)) block(16, 16) args(a, b, c, N)

__device__ float High(float v) { return __bfloat162float(__float2bfloat16(v)); }
extern "C" __global__ void product(const float* a, const float* b, float* c, int N) {
  const int i = blockIdx.y * 16 + threadIdx.y, j = blockIdx.x * 16 + threadIdx.x;
  if (i >= N || j >= N) return;
  float sum = 0;
  for (int k = 0; k < N; ++k) {
    const float p = a[i * N + k], q = b[k * N + j], ph = High(p), qh = High(q);
    sum += ph * qh + ph * High(q - qh) + High(p - ph) * qh;
  }
  c[i * N + j] = sum;
}
