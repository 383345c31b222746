// expect: crashed|timeout|unsafe:
// Returns to where the loader called its constructor, in a process that has moved on.
//@ call row_sum args(x, s, R, C)

#include <csetjmp>

static jmp_buf place;
__attribute__((constructor)) static void Start() { setjmp(place); }

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  longjmp(place, 1);
}
