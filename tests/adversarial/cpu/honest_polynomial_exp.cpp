// expect: measured:
// spec: gauss.spec
// A power of two and a polynomial of degree six: about one unit in the last place.
//@ call gauss args(x, y, N)

#include <cmath>

extern "C" void gauss(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) {
    const float t = -(x[i] * x[i]);
    const float n = std::nearbyint(t * 1.44269504f);
    float f = std::fma(n, -0.693359375f, t);
    f = std::fma(n, 2.12194440e-4f, f);
    float p = 1.f / 720;
    for (const float k : {1.f / 120, 1.f / 24, 1.f / 6, 0.5f, 1.f, 1.f}) p = std::fma(p, f, k);
    y[i] = std::ldexp(p, (int)n);
  }
}
