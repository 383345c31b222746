// expect: rejected: include
// Includes itself twice.
//@ call row_sum args(x, s, R, C)

#include __FILE__
#include __FILE__
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
