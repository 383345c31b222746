// expect: measured:
// Partial sums in memory taken from the stack as needed.
//@ call row_sum args(x, s, R, C)

#include <alloca.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float* part = static_cast<float*>(alloca(sizeof(float) * 16));
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < 16; ++i) part[i] = 0;
    for (int c = 0; c < C; ++c) part[c % 16] += x[(long long)r * C + c];
    s[r] = 0;
    for (int i = 0; i < 16; ++i) s[r] += part[i];
  }
}
