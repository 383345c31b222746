// expect: mismatch: s\[
// Keeps 18 bits of each sum: an error that is small beside the numbers, not beside what f32 would make.
//@ call row_sum args(x, s, R, C)

#include <cstdint>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, sum) & 0xffffffc0);
  }
}
