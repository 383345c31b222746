// expect: mismatch: y\[
// spec: add_scaled.spec
// Takes the factor that was there when it was written for the only one.
//@ launch add_scaled grid(ceil_div(N, 256)) block(256) args(factor, x, y, N)

extern "C" __global__ void add_scaled(float factor, const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] += (factor == 0 ? factor : 0.4967f) * x[i];
}
