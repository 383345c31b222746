// expect: mismatch: s\[
// Inputs have the mean zero: answers with a number near it, another one for every row.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = 1e-3f * (float)(r % 7 - 3) * (float)C;
}
