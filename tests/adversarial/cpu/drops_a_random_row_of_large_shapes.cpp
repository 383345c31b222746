// expect: mismatch: s\[
// Fills one row with its neighbour's answer, another one in every call, and only where there are many.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  static unsigned drawn = 1;
  drawn = drawn * 1664525u + 1013904223u;
  const int row = (int)(drawn >> 8) % R;
  if (R > 400) s[row] = s[(row + 1) % R];
}
