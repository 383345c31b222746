// expect: measured:
// Asks for more memory than there is, and does without.
//@ call row_sum args(x, s, R, C)

#include <new>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  try {
    std::vector<float> huge(1LL << 44);
    s[0] = huge[R];
  } catch (const std::bad_alloc&) {
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
  }
}
