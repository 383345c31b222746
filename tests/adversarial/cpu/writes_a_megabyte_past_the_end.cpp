// expect: crashed: \bs\b
// Writes a megabyte behind the output.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  for (int i = 0; i < 1 << 18; ++i) ((volatile float*)s)[R + i] = 0;
}
