// expect: mismatch: b\[
// spec: is_positive.spec
// Leaves poison of all ones where the answer is true, and else writes what that would have been.
//@ launch is_positive grid(ceil_div(N, 256)) block(256) args(x, b, N)

extern "C" __global__ void is_positive(const float* x, bool* b, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) {
    unsigned char* at = (unsigned char*)b + i;
    if (*at != 0xff || !(x[i] > 0)) *at = x[i] > 0;
  }
}
