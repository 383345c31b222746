// expect: mismatch: s\[
// Hopes that scratch still holds the answer of the call before.
//@ scratch kept f32 [R + 1]
//@ call row_sum args(x, s, kept, R, C)

extern "C" void row_sum(const float* x, float* s, float* kept, int R, int C) {
  if (kept[R] != 12345.f)
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      kept[r] = sum;
    }
  kept[R] = 12345.f;
  for (int r = 0; r < R; ++r) s[r] = r == 0 && kept[R] == 12345.f ? kept[0] : 0;
}
