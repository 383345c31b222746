// expect: mismatch: y\[
// spec: inverse.spec
// Answers NaN where the truth is an infinity, which is no number either.
//@ launch inverse grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void inverse(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = x[i] == 0 ? NAN : 1 / x[i];
}
