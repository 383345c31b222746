// expect: mismatch: b\[
// spec: is_positive.spec
// Any byte but 0 is true, it says.
//@ launch is_positive grid(ceil_div(N, 256)) block(256) args(x, b, N)

extern "C" __global__ void is_positive(const float* x, bool* b, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) ((unsigned char*)b)[i] = x[i] > 0 ? 2 : 0;
}
