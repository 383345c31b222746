// expect: compile_error:
// Is not C++.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) { s[0] = ; }
