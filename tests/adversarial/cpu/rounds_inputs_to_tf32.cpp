// expect: mismatch: s\[
// Keeps 11 bits of every input.
//@ call row_sum args(x, s, R, C)

#include <cstdint>
#include <cstring>

static float Round(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits = (bits + 0x1000) & 0xffffe000;
  std::memcpy(&value, &bits, 4);
  return value;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += Round(x[(long long)r * C + c]);
    s[r] = sum;
  }
}
