// expect: mismatch: y\[
// spec: tiny.spec
// Has the hardware flush small results to zero.
//@ call tiny args(x, y, N)

#include <immintrin.h>

extern "C" void tiny(const float* x, float* y, int N) {
  _mm_setcsr(_mm_getcsr() | 0x8040);
  for (int i = 0; i < N; ++i) y[i] = x[i] * 0x1p-130f;
}
