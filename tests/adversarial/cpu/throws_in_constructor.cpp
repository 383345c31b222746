// expect: crashed:
// An exception while the object is loaded.
//@ call row_sum args(x, s, R, C)

#include <stdexcept>

static int Fail() { throw std::runtime_error("no"); }
static const int value = Fail();

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = static_cast<float>(value);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
