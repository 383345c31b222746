// expect: rejected: absolute path
// Has the compiler print a file of the host.
//@ call row_sum args(x, s, R, C)

#include "/etc/passwd"
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
