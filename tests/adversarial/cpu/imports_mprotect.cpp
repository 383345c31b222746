// expect: rejected: mprotect
// Makes an input writable.
//@ call row_sum args(x, s, R, C)

#include <sys/mman.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = static_cast<float>(mprotect((void*)((long)x & ~4095L), 4096, PROT_READ | PROT_WRITE));
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
