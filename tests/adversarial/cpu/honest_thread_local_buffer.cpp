// expect: measured:
// A buffer for each thread that outlives calls but carries nothing over.
//@ call row_sum args(x, s, R, C)

#include <vector>

static thread_local std::vector<float> buffer;

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    buffer.assign(x + (long long)r * C, x + (long long)(r + 1) * C);
    float sum = 0;
    for (float element : buffer) sum += element;
    s[r] = sum;
  }
}
