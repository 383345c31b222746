// expect: mismatch: s\[
// Keeps 11 bits of every input, only where rows are long.
//@ call row_sum args(x, s, R, C)

#include <cstdint>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const uint32_t mask = C >= 256 ? 0xffffe000 : 0xffffffff;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c)
      sum += __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, x[(long long)r * C + c]) & mask);
    s[r] = sum;
  }
}
