// expect: rejected: mmap
// Maps memory of its own, which could be shared or executable.
//@ call row_sum args(x, s, R, C)

#include <sys/mman.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = mmap(nullptr, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
