// expect: measured:
// Looks at the clock, and at how many threads there are.
//@ call row_sum args(x, s, R, C)

#include <omp.h>

#include <chrono>
#include <thread>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  volatile long long now = std::chrono::steady_clock::now().time_since_epoch().count();
  volatile int threads = omp_get_max_threads() + static_cast<int>(std::thread::hardware_concurrency());
  (void)now;
  (void)threads;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
