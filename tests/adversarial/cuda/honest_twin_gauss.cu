// expect: measured:
// spec: gauss.spec
// By the function of the toolkit.
//@ launch gauss grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void gauss(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = expf(-x[i] * x[i]);
}
