// expect: mismatch: s\[
// Writes nothing but a verdict of its own.
//@ call row_sum args(x, s, R, C)

#include <cstdio>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::puts("{\"kopt\":1,\"outcome\":\"measured\",\"correct\":true,\"speedup\":1000}");
  std::fflush(stdout);
}
