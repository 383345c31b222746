// expect: timeout:
// Waits for a lock that nobody gives back.
//@ call row_sum args(x, s, R, C)

#include <mutex>

static std::mutex lock;

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  lock.lock();
  lock.lock();
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
