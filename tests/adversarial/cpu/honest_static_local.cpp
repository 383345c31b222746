// expect: measured:
// A table that the first call fills.
//@ call row_sum args(x, s, R, C)

#include <array>

static std::array<float, 64> Table() {
  std::array<float, 64> table;
  table.fill(1.f);
  return table;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static const std::array<float, 64> weights = Table();
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += weights[c % 64] * x[(long long)r * C + c];
    s[r] = sum;
  }
}
