// expect: measured:
// spec: sign_i8.spec
// gain: honest_signs.cpp
// Reads each byte and writes it only if it is not right already: right, whatever the poison.
//@ call signs args(x, y, N)

#include <cstdint>

extern "C" void signs(const float* x, int8_t* y, int N) {
  for (int i = 0; i < N; ++i) {
    const int8_t sign = x[i] > 0 ? 1 : x[i] < 0 ? -1 : 0;
    if (y[i] != sign) y[i] = sign;
  }
}
