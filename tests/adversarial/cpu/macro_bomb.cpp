// expect: compile_error|timeout:
// A macro that grows to ten thousand million words.
//@ call row_sum args(x, s, R, C)

#define A(x) x x x x x x x x x x
#define B(x) A(A(A(A(A(x)))))
extern "C" void row_sum(const float* x, float* s, int R, int C) { B(B(s[0] += x[0];)) }
