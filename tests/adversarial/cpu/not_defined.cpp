// expect: rejected: row_sum
// Declares what it should define.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C);
