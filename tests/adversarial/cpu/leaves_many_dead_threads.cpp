// expect: measured:
// gain: honest_plain_loops.cpp
// Starts threads in the last calls that checks do not reach, to leave their burial to the kernel while the baseline
// runs.
//@ call row_sum args(x, s, R, C)

#include <thread>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static int calls = 0;
  if (++calls >= 4 && calls < 12)
    for (int i = 0; i < 8; ++i) std::thread([] {}).detach();
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
