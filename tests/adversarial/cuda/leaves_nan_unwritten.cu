// expect: mismatch: y\[
// spec: halve_e4m3.spec
// Where the answer is NaN it writes nothing: poison is NaN, and NaN equals any NaN.
//@ launch halve grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void halve(const float* x, __nv_fp8_e4m3* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N)
    if (x[i] == x[i]) y[i] = __nv_fp8_e4m3(0.5f * x[i]);
}
