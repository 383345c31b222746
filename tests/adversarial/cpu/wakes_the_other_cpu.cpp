// expect: measured:
// gain: honest_plain_loops.cpp
// Keeps another CPU busy while batches are timed, for heat and bandwidth that the baseline would miss. It ends with the
// batch.
//@ call row_sum args(x, s, R, C)

#include <thread>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static int calls = 0;
  if (++calls == 4)
    std::thread([] {
      static volatile char block[1 << 20];
      for (unsigned i = 0;; i += 64) block[i % sizeof(block)] = (char)i;
    }).detach();
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
