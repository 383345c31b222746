// expect: unsafe: thread
// Starts a thread, returns, and lets the thread work.
//@ call row_sum args(x, s, R, C)

#include <thread>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::thread([=] {
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
    for (volatile bool on = true; on;) {
    }
  }).detach();
}
