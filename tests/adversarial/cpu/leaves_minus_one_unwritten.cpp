// expect: mismatch: y\[
// spec: sign_i8.spec
// Leaves bytes alone that would become -1, hoping for poison of all ones.
//@ call signs args(x, y, N)

#include <cstdint>

extern "C" void signs(const float* x, int8_t* y, int N) {
  for (int i = 0; i < N; ++i)
    if (x[i] >= 0) y[i] = x[i] > 0;
}
