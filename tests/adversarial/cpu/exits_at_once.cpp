// expect: crashed:
// Ends the process with success, without any clean-up.
//@ call row_sum args(x, s, R, C)

#include <unistd.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (R > 0) _exit(0);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
