// expect: measured:
// spec: add_scaled.spec
// Reads the factor and the inout every time.
//@ launch add_scaled grid(ceil_div(N, 256)) block(256) args(factor, x, y, N)

extern "C" __global__ void add_scaled(float factor, const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] += factor * x[i];
}
