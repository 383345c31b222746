// expect: measured:
// spec: sign_i8.spec
// Signs without a branch.
//@ call signs args(x, y, N)

#include <cstdint>

extern "C" void signs(const float* x, int8_t* y, int N) {
  for (int i = 0; i < N; ++i) y[i] = (int8_t)((x[i] > 0) - (x[i] < 0));
}
