// expect: measured:
// Has functions with the names of library functions; nobody else may be served by them.
//@ call row_sum args(x, s, R, C)

#include <cstddef>

extern "C" __attribute__((used)) void* calloc(size_t, size_t) { return nullptr; }
extern "C" __attribute__((used)) int puts(const char*) { return -1; }

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
