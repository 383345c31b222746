// expect: mismatch: s\[
// Adds half of the columns and doubles the sum.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; c += 2) sum += x[(long long)r * C + c];
    s[r] = 2 * sum;
  }
}
