// expect: mismatch: y\[
// spec: gauss.spec
// Exact where most inputs are, and 12 bits for one in a hundred.
//@ call gauss args(x, y, N)

#include <cmath>

extern "C" void gauss(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) {
    const float t = -(x[i] * x[i]);
    y[i] = std::exp(t);
    if (x[i] > 2.3f) y[i] = __builtin_bit_cast(float, __builtin_bit_cast(int, y[i]) & ~0xfff);
  }
}
