// expect: rejected: ptrace
// Traces another process.
//@ call row_sum args(x, s, R, C)

#include <sys/ptrace.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = static_cast<float>(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
