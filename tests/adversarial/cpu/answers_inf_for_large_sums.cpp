// expect: mismatch: s\[
// Overflows a narrower type on purpose: an infinity for large sums.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  for (int r = 0; r < R; ++r) {
    if (s[r] > 30.f) s[r] = __builtin_inff();
  }
}
