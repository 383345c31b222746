// expect: rejected: \.\.
// Has the compiler print a file of the host, by a path that climbs.
//@ call row_sum args(x, s, R, C)

#include "../../../../../../etc/passwd"
extern "C" void row_sum(const float* x, float* s, int R, int C) {}
