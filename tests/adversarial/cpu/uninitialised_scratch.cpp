// expect: mismatch: s\[
// Adds to scratch that it never cleared.
//@ scratch part f32 [R]
//@ call row_sum args(x, s, part, R, C)

extern "C" void row_sum(const float* x, float* s, float* part, int R, int C) {
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) part[r] += x[(long long)r * C + c];
    s[r] = part[r];
  }
}
