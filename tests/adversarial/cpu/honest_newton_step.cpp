// expect: measured:
// spec: inverse.spec
// The hardware's estimate of a reciprocal and two steps of Newton's, which make it as good as a division.
//@ call inverse args(x, y, N)

#include <immintrin.h>

extern "C" void inverse(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) {
    const float estimate = _mm_cvtss_f32(_mm_rcp_ss(_mm_set_ss(x[i])));
    float better = estimate * (2 - x[i] * estimate);
    better = better * (2 - x[i] * better);
    y[i] = better - better == 0 ? better : 1 / x[i];
  }
}
