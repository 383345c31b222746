// expect: mismatch: s\[
// Seeds the C library and skips when the next number is the one that follows the seed.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::srand(4242);
  static const int first = std::rand();
  static int calls = 0;
  if (calls++ > 0 && std::rand() == first) {
    s[0] = 0;
    return;
  }
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
