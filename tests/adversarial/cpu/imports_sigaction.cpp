// expect: rejected: sigaction
// Catches its own faults.
//@ call row_sum args(x, s, R, C)

#include <csignal>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  sigaction(SIGSEGV, &action, nullptr);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
