// expect: compile_error|timeout: printed|finish
// Hundreds of megabytes of messages that are not errors.
//@ call row_sum args(x, s, R, C)

#define A(x) x x x x x x x x x x
#define B(x) A(A(A(x)))
#define SAY _Pragma("GCC warning \"01234567890123456789012345678901234567890123456789012345678901234567890123456789\"")
B(B(SAY))
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
