// expect: unsafe: it wrote \d+ bytes before the start of `s`
// Leaves a note in front of the output, where no check shape has room to look.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (R == 512) s[-2] = 4242;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
