// expect: mismatch: y\[
// spec: inverse.spec
// A reciprocal of f16, where its result is ordinary.
//@ launch inverse grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void inverse(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) {
    const float r = 1 / x[i];
    y[i] = fabsf(r) < 1000 && r != 0 ? __half2float(hrcp(__float2half(x[i]))) : r;
  }
}
