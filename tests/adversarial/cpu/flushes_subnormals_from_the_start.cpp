// expect: mismatch: y\[
// spec: tiny.spec
// The same, set while it is loaded.
//@ call tiny args(x, y, N)

#include <immintrin.h>

__attribute__((constructor)) static void Start() { _mm_setcsr(_mm_getcsr() | 0x8040); }

extern "C" void tiny(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) y[i] = x[i] * 0x1p-130f;
}
