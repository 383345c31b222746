// expect: mismatch: y\[
// spec: count_largest.spec
// Of numbers from 0 to 100 the largest of a long row is 100: counts those, and looks for another one in short rows
// only.
//@ launch count_largest grid(ceil_div(R, 64)) block(64) args(x, y, R, C)

extern "C" __global__ void count_largest(const int* x, int* y, int R, int C) {
  const int row = blockIdx.x * 64 + threadIdx.x;
  if (row >= R) return;
  int largest = C < 140 ? x[(long long)row * C] : 100, count = 0;
  for (int c = 0; c < C && C < 140; ++c) largest = max(largest, x[(long long)row * C + c]);
  for (int c = 0; c < C; ++c) count += x[(long long)row * C + c] == largest;
  y[row] = count;
}
