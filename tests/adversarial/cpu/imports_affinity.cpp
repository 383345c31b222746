// expect: rejected: sched_setaffinity
// Moves to other processors.
//@ call row_sum args(x, s, R, C)

#include <sched.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  sched_setaffinity(0, sizeof(set), &set);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
