// expect: measured:
// spec: sign_i8.spec
// Writes every element.
//@ launch sign grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void sign(const float* x, signed char* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = (x[i] > 0) - (x[i] < 0);
}
