// expect: mismatch: s\[
// Works in blocks of eight columns and forgets what remains.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < (C & ~7) + (C < 8 ? C : 0); ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
