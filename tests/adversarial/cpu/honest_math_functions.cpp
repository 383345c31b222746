// expect: measured:
// Functions of the mathematical library.
//@ call row_sum args(x, s, R, C)

#include <cmath>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum = std::fma(std::exp(0.f), x[(long long)r * C + c], sum);
    s[r] = sum;
  }
  for (int r = 0; r < R; ++r) s[r] = std::cbrt(s[r] * s[r] * s[r]) + std::sin(0.f) * std::pow(2.f, 0.5f);
}
