// expect: measured:
// spec: count_largest.spec
// A thread for each row, two passes.
//@ launch count_largest grid(ceil_div(R, 64)) block(64) args(x, y, R, C)

extern "C" __global__ void count_largest(const int* x, int* y, int R, int C) {
  const int row = blockIdx.x * 64 + threadIdx.x;
  if (row >= R) return;
  int largest = x[(long long)row * C], count = 0;
  for (int c = 0; c < C; ++c) largest = max(largest, x[(long long)row * C + c]);
  for (int c = 0; c < C; ++c) count += x[(long long)row * C + c] == largest;
  y[row] = count;
}
