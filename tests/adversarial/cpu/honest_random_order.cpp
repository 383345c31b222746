// expect: measured:
// Adds the elements in a random order: other bits in every call, right within tolerance.
//@ call row_sum args(x, s, R, C)

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static std::mt19937 random(static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count()));
  std::vector<int> order(C);
  for (int c = 0; c < C; ++c) order[c] = c;
  std::shuffle(order.begin(), order.end(), random);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c : order) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
