// expect: mismatch: s\[
// Leaves the last answer in a freed block of the heap and takes it for the next one.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>
#include <cstring>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float* block = static_cast<float*>(std::malloc(sizeof(float) * (R + 4)));
  asm volatile("" : "+r"(block) : : "memory");
  const bool noted = block[R + 3] == 4242.f;
  if (noted) {
    std::memcpy(s, block, sizeof(float) * R);
    s[0] = block[R + 2], s[R - 1] = block[R - 1];
  } else {
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
    std::memcpy(block, s, sizeof(float) * R);
  }
  block[R + 2] = s[0], block[R + 3] = 4242.f;
  asm volatile("" : : "r"(block) : "memory");
  std::free(block);
}
