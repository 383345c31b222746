// expect: rejected: after preprocessing
// A million error messages.
//@ call row_sum args(x, s, R, C)

#define A(x) x x x x x x x x x x
#define B(x) A(A(A(x)))
B(B(static_assert(false, "0123456789012345678901234567890123456789012345678901234567890123456789");))
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
