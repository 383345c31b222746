// expect: measured:
// Sixteen threads that allocate, each with a stack and a heap of its own.
//@ call row_sum args(x, s, R, C)

#include <thread>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([=] {
      for (int r = t; r < R; r += 16) {
        const std::vector<float> row(x + (long long)r * C, x + (long long)(r + 1) * C);
        float sum = 0;
        for (const float value : row) sum += value;
        s[r] = sum;
      }
    });
  for (std::thread& thread : threads) thread.join();
}
