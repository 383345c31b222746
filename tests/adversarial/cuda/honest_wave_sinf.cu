// expect: measured:
// spec: wave.spec
// The library's sinf, which brings a device variable of its own: a table for large angles.
//@ launch wave grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void wave(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = sinf(x[i]);
}
