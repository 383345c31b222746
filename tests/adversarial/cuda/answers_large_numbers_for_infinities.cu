// expect: mismatch: y\[
// spec: inverse.spec
// Answers the largest number for an infinity: an error, it says, of nothing.
//@ launch inverse grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void inverse(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = x[i] == 0 ? copysignf(FLT_MAX, x[i]) : 1 / x[i];
}
