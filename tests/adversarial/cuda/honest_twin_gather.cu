// expect: measured:
// spec: gather.spec
// Reads the order every time.
//@ launch gather grid(ceil_div(N, 256)) block(256) args(x, order, y, N)

extern "C" __global__ void gather(const float* x, const int* order, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = x[order[i]];
}
