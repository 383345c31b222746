// expect: mismatch: b\[
// spec: is_positive.spec
// Writes only what is true: many a memory holds zeros.
//@ launch is_positive grid(ceil_div(N, 256)) block(256) args(x, b, N)

extern "C" __global__ void is_positive(const float* x, bool* b, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N)
    if (x[i] > 0) b[i] = true;
}
