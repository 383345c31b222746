// expect: mismatch: s\[
// Answers with what memory happens to hold.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float* block = static_cast<float*>(std::malloc(sizeof(float) * R));
  asm volatile("" : "+r"(block) : : "memory");
  for (int r = 0; r < R; ++r) s[r] = block[r];
  std::free(block);
}
