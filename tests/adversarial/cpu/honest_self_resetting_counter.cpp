// expect: measured:
// Threads take rows by a counter that the last of them puts back to zero.
//@ call row_sum args(x, s, R, C)

#include <atomic>

static std::atomic<int> next{0}, ended{0};

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel num_threads(2)
  {
    for (int r; (r = next.fetch_add(1, std::memory_order_relaxed)) < R;) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
    if (ended.fetch_add(1, std::memory_order_acq_rel) == 1) next = 0, ended = 0;
  }
}
