// expect: timeout:
// One thread of the team never reaches the barrier.
//@ call row_sum args(x, s, R, C)

#include <omp.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel
  for (volatile bool on = omp_get_thread_num() == 0; on;) {
  }
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
