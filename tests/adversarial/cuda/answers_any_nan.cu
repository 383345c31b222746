// expect: measured:
// spec: halve_e4m3.spec
// gain: honest_twin_e4m3.cu
// Another NaN than the hardware's, the one with a sign: that is right.
//@ launch halve grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void halve(const float* x, __nv_fp8_e4m3* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) {
    y[i] = __nv_fp8_e4m3(0.5f * x[i]);
    if (x[i] != x[i]) y[i].__x = 0xff;
  }
}
