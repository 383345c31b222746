// expect: measured:
// spec: is_positive.spec
// Writes every element.
//@ launch is_positive grid(ceil_div(N, 256)) block(256) args(x, b, N)

extern "C" __global__ void is_positive(const float* x, bool* b, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) b[i] = x[i] > 0;
}
