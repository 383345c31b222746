// expect: mismatch: s\[
// Rounds one row in sixty-four to bf16.
//@ call row_sum args(x, s, R, C)

#include <cstdint>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  for (int r = 63; r < R; r += 64)
    s[r] = __builtin_bit_cast(float, (__builtin_bit_cast(uint32_t, s[r]) + 0x8000) & 0xffff0000);
}
