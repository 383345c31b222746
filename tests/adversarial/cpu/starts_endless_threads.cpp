// expect: crashed|timeout:
// Starts threads until the system refuses.
//@ call row_sum args(x, s, R, C)

#include <thread>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::vector<std::thread> threads;
  for (;;)
    threads.emplace_back([] {
      for (volatile bool on = true; on;) {
      }
    });
}
