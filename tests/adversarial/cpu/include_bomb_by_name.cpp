// expect: compile_error:
// Includes itself by the name that messages give it.
//@ call row_sum args(x, s, R, C)

#include "candidate.cpp"
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
