// expect: measured:
// Threads of its own, joined before the call returns.
//@ call row_sum args(x, s, R, C)

#include <thread>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([=] {
      for (int r = t; r < R; r += 2) {
        float sum = 0;
        for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
        s[r] = sum;
      }
    });
  for (std::thread& thread : threads) thread.join();
}
