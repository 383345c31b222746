// expect: mismatch: y\[
// spec: inverse.spec
// Answers infinity without a sign for both zeros.
//@ launch inverse grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void inverse(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = x[i] == 0 ? INFINITY : 1 / x[i];
}
