// expect: measured:
// Registers a function for the end of the process.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>

static int calls = 0;
static void Report() { ++calls; }

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static const int once = std::atexit(Report);
  (void)once;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
