// expect: crashed:
// Ends the process with success while it is loaded.
//@ call row_sum args(x, s, R, C)

#include <unistd.h>

__attribute__((constructor)) static void Start() { _exit(0); }

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
