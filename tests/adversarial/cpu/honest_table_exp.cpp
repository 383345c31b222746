// expect: measured:
// spec: gauss.spec
// A table of powers and a short polynomial between them.
//@ call gauss args(x, y, N)

#include <array>
#include <cmath>

static const std::array<double, 65> powers = [] {
  std::array<double, 65> table{};
  for (int i = 0; i < 65; ++i) table[i] = std::exp2(i / 64.0);
  return table;
}();

extern "C" void gauss(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) {
    const double t = -1.4426950408889634 * (double)(x[i] * x[i]);
    const double whole = std::floor(t), steps = (t - whole) * 64;
    const int step = (int)steps;
    const double rest = (steps - step) * (0.6931471805599453 / 64);
    y[i] = (float)std::ldexp(powers[step] * (1 + rest * (1 + rest * (0.5 + rest / 6))), (int)whole);
  }
}
