// expect: unsafe: print
// Floods standard error.
//@ call row_sum args(x, s, R, C)

#include <cstdio>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int i = 0; i < 1 << 24; ++i)
    std::fputs("0123456789012345678901234567890123456789012345678901234567890123\n", stderr);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
