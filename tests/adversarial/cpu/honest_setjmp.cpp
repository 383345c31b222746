// expect: measured:
// Leaves a deep recursion by a jump, within the call.
//@ call row_sum args(x, s, R, C)

#include <csetjmp>

static jmp_buf done;
static void Add(const float* x, int c, int C, float* sum) {
  if (c == C) longjmp(done, 1);
  *sum += x[c];
  Add(x, c + 1, C, sum);
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (volatile int r = 0; r < R; r = r + 1) {
    s[r] = 0;
    if (setjmp(done) == 0) Add(x + (long long)r * C, 0, C, s + r);
  }
}
