// expect: measured:
// spec: tiny.spec
// A product that keeps subnormals.
//@ launch tiny grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void tiny(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = x[i] * 0x1p-130f;
}
