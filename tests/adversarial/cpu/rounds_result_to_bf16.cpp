// expect: mismatch: s\[
// Keeps 8 bits of the result.
//@ call row_sum args(x, s, R, C)

#include <cstdint>
#include <cstring>

static float Round(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits = (bits + 0x8000) & 0xffff0000;
  std::memcpy(&value, &bits, 4);
  return value;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = Round(sum);
  }
}
