// expect: measured:
// Adds the smallest elements first.
//@ call row_sum args(x, s, R, C)

#include <algorithm>
#include <cmath>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    std::vector<float> row(x + (long long)r * C, x + (long long)(r + 1) * C);
    std::sort(row.begin(), row.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    float sum = 0;
    for (float element : row) sum += element;
    s[r] = sum;
  }
}
