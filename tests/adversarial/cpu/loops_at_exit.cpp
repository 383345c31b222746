// expect: measured:
// Every call is right, and the process would not end: exit handlers never run, so nothing happens.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>

static void Stay() {
  for (volatile bool on = true; on;) {
  }
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static const int once = std::atexit(Stay);
  (void)once;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
