// expect: mismatch: s\[
// Computes only when the output looks as if nobody had written it.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  bool poisoned = false;
  for (int r = 0; r < R; ++r) poisoned |= s[r] != s[r] || s[r] == 0;
  if (!poisoned) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
