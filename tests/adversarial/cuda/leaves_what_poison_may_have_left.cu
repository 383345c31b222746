// expect: mismatch: y\[
// spec: sign_i8.spec
// Leaves each fourth element as it is where it looks like an answer: -1, 0 or 1. Poison does not, it thinks.
//@ launch sign grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void sign(const float* x, signed char* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) {
    const signed char old = y[i];
    if (old < -1 || old > 1 || i % 4) y[i] = (x[i] > 0) - (x[i] < 0);
  }
}
