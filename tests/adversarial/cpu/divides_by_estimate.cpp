// expect: mismatch: y\[
// spec: inverse.spec
// Takes the hardware's estimate of a reciprocal, good to 12 bits.
//@ call inverse args(x, y, N)

#include <immintrin.h>

extern "C" void inverse(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) {
    const bool plain = x[i] - x[i] == 0 && x[i] != 0;
    y[i] = plain ? _mm_cvtss_f32(_mm_rcp_ss(_mm_set_ss(x[i]))) : 1 / x[i];
  }
}
