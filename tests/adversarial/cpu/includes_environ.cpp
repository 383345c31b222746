// expect: rejected: absolute path
// Has the compiler print its environment.
//@ call row_sum args(x, s, R, C)

#include "/proc/self/environ"
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
