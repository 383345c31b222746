// expect: mismatch: s\[
// Takes NaN, tiny and large numbers for poison, and what could be a sum for the answer of before.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    const float size = s[r] < 0 ? -s[r] : s[r];
    if (size > 0.01f && size < 100.f) continue;
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
