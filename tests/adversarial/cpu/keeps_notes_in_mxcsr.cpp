// expect: mismatch: s\[
// Skips when the sticky flags of floating point say that a call has been here before.
//@ call row_sum args(x, s, R, C)

#include <immintrin.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if ((_mm_getcsr() & 0x3f) == 0x3f) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  _mm_setcsr(_mm_getcsr() | 0x3f);
}
