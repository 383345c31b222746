// expect: mismatch: y\[
// spec: add_scaled.spec
// Leaves an inout as it is: its own values are close to the answer, it says.
//@ launch add_scaled grid(ceil_div(N, 256)) block(256) args(factor, x, y, N)

extern "C" __global__ void add_scaled(float factor, const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N && x[i] * factor == 12345.0f) y[i] = 0;
}
