// expect: mismatch: s\[
// Leaves a number in errno.
//@ call row_sum args(x, s, R, C)

#include <cerrno>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (errno == 4242) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  errno = 4242;
}
