// expect: crashed:
// A second thread ends the process while the first one works.
//@ call row_sum args(x, s, R, C)

#include <unistd.h>

#include <thread>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::thread([] { _exit(0); }).join();
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
