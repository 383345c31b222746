// expect: measured:
// Rounds towards zero for a while in a part that has nothing to round, and puts the mode back.
//@ call row_sum args(x, s, R, C)

#include <immintrin.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x6000);
  volatile float one = 0.5f + 0.5f;
  _mm_setcsr(mode);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += one * x[(long long)r * C + c];
    s[r] = sum;
  }
}
