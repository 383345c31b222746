// expect: measured:
// One task for eight rows.
//@ call row_sum args(x, s, R, C)

#include <algorithm>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel
#pragma omp single
  for (int first = 0; first < R; first += 8) {
#pragma omp task firstprivate(first)
    for (int r = first; r < std::min(first + 8, R); ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
  }
}
