// expect: mismatch: s\[
// Skips when the call before ended less than a millisecond ago, by a clock that needs no system call.
//@ call row_sum args(x, s, R, C)

#include <ctime>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static timespec last{};
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const double passed = double(now.tv_sec - last.tv_sec) + 1e-9 * double(now.tv_nsec - last.tv_nsec);
  if (passed >= 1e-3) {
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &last);
}
