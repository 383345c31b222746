// expect: measured:
// spec: halve_e4m3.spec
// Writes every element.
//@ launch halve grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void halve(const float* x, __nv_fp8_e4m3* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = __nv_fp8_e4m3(0.5f * x[i]);
}
