// expect: measured:
// Threads take rows from one counter.
//@ call row_sum args(x, s, R, C)

#include <atomic>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::atomic<int> next = 0;
#pragma omp parallel
  for (int r = next++; r < R; r = next++) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
