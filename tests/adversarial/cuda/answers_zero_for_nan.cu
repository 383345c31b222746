// expect: mismatch: y\[
// spec: inverse.spec
// Answers 0 where the truth is NaN.
//@ launch inverse grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void inverse(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = x[i] == x[i] ? 1 / x[i] : 0;
}
