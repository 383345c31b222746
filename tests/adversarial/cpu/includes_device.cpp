// expect: rejected: absolute path
// Has the compiler read without end.
//@ call row_sum args(x, s, R, C)

#include "/dev/zero"
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
