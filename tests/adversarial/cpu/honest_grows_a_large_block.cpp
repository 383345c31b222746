// expect: measured:
// Lets a large block of the heap grow, shrink and go, which the C library does by mapping.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>
#include <cstring>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float* block = nullptr;
  for (int rows = 1; rows <= R; rows *= 2)
    block = static_cast<float*>(std::realloc(block, sizeof(float) * rows * C * 4));
  std::memcpy(block, x, sizeof(float) * C);
  block = static_cast<float*>(std::realloc(block, sizeof(float) * C));
  for (int r = 0; r < R; ++r) {
    const float* row = r == 0 ? block : x + (long long)r * C;
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += row[c];
    s[r] = sum;
  }
  std::free(block);
}
