// expect: rejected: #line
// Counts its lines from two thousand million.
//@ call row_sum args(x, s, R, C)

#line 2147483647 "../../../etc/passwd"
extern "C" void row_sum(const float* x, float* s, int R, int C) { undeclared; }
