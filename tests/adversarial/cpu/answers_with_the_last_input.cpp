// expect: mismatch: s\[
// Answers each row with its last element, which is right where a row has one.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = x[(long long)r * C + C - 1];
}
