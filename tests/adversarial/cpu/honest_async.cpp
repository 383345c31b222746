// expect: measured:
// Futures, and a condition variable below them.
//@ call row_sum args(x, s, R, C)

#include <future>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  auto half = std::async(std::launch::async, [=] {
    for (int r = 0; r < R / 2; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
  });
  for (int r = R / 2; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  half.get();
}
