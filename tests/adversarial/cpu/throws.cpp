// expect: crashed:
// An exception leaves the call.
//@ call row_sum args(x, s, R, C)

#include <stdexcept>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (R > 0) throw std::runtime_error("no");
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
