// expect: rejected: popen
// Runs a shell.
//@ call row_sum args(x, s, R, C)

#include <cstdio>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (popen("true", "r") != nullptr) s[0] = 0;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
