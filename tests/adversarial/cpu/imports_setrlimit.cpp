// expect: rejected: setrlimit
// Changes its limits.
//@ call row_sum args(x, s, R, C)

#include <sys/resource.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
