// expect: mismatch: s\[
// Leaves out the last column where a row is longer than in any check shape.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const int columns = C > 200 ? C - 1 : C;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < columns; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
