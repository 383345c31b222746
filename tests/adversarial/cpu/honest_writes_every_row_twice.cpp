// expect: measured:
// Uses its output as memory for what is not the answer yet.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = 0;
  for (int c = 0; c < C; ++c)
    for (int r = 0; r < R; ++r) s[r] += x[(long long)r * C + c];
}
