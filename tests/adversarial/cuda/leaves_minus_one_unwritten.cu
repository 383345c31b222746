// expect: mismatch: y\[
// spec: sign_i8.spec
// All ones are -1: leaves those to the poison.
//@ launch sign grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void sign(const float* x, signed char* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N)
    if (!(x[i] < 0)) y[i] = x[i] > 0;
}
