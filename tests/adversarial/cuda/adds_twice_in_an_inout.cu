// expect: mismatch: y\[
// spec: add_scaled.spec
// Adds in an inout in two steps of its plan, each of which does all of it.
//@ launch add_scaled grid(ceil_div(N, 256)) block(256) for p in 0..2 args(factor, x, y, N)

extern "C" __global__ void add_scaled(float factor, const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] += factor * x[i];
}
