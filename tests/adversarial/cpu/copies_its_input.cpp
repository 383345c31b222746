// expect: mismatch: s\[
// Answers with the first column of its input.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = x[(long long)r * C];
}
