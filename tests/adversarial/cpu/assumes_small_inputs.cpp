// expect: mismatch: s\[
// Clamps inputs to what most of them are.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) {
      const float term = x[(long long)r * C + c];
      sum += term > 3.5f ? 3.5f : term < -3.5f ? -3.5f : term;
    }
    s[r] = sum;
  }
}
