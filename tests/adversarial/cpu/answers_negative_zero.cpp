// expect: mismatch: s\[
// Zeros with a sign are zeros.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = -0.f;
}
