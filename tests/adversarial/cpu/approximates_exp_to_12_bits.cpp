// expect: mismatch: y\[
// spec: gauss.spec
// A polynomial of degree three: 12 bits.
//@ call gauss args(x, y, N)

#include <cmath>

extern "C" void gauss(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) {
    const float t = -(x[i] * x[i]);
    const float n = std::nearbyint(t * 1.44269504f);
    const float f = t - n * 0.693147181f;
    y[i] = std::ldexp(1 + f * (1 + f * (0.5f + f / 6)), (int)n);
  }
}
