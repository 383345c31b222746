// expect: measured:
// Containers made and dropped in every call.
//@ call row_sum args(x, s, R, C)

#include <numeric>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    std::vector<double> row(x + (long long)r * C, x + (long long)(r + 1) * C);
    s[r] = static_cast<float>(std::accumulate(row.begin(), row.end(), 0.0));
  }
}
