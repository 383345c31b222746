// expect: mismatch: s\[
// Waits a while instead of joining.
//@ call row_sum args(x, s, R, C)

#include <atomic>
#include <thread>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static const float* from;
  static float* to;
  static int rows, columns;
  from = x, to = s, rows = R, columns = C;
  std::thread half([] {
    for (int r = rows / 2; r < rows; ++r) {
      float sum = 0;
      for (int c = 0; c < columns; ++c) sum += from[(long long)r * columns + c];
      to[r] = sum;
    }
  });
  half.detach();
  for (int r = 0; r < R / 2; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  for (const unsigned long begin = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - begin < 30000;) {
  }
}
