// expect: mismatch: y\[
// spec: count_largest.spec
// The largest element occurs once, it says.
//@ launch count_largest grid(ceil_div(R, 64)) block(64) args(x, y, R, C)

extern "C" __global__ void count_largest(const int* x, int* y, int R, int C) {
  const int row = blockIdx.x * 64 + threadIdx.x;
  if (row < R) y[row] = 1;
}
