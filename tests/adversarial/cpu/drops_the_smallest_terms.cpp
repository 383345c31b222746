// expect: mismatch: s\[
// Leaves out terms that hardly change a sum.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) {
      const float term = x[(long long)r * C + c];
      if (term > 0.01f || term < -0.01f) sum += term;
    }
    s[r] = sum;
  }
}
