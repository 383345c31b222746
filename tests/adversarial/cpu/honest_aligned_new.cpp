// expect: measured:
// Memory at multiples of 64 bytes, allocated by every thread.
//@ call row_sum args(x, s, R, C)

#include <new>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    float* copy = new (std::align_val_t(64)) float[C];
    for (int c = 0; c < C; ++c) copy[c] = x[(long long)r * C + c];
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += copy[c];
    s[r] = sum;
    ::operator delete[](copy, std::align_val_t(64));
  }
}
