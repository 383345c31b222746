// expect: rejected: dlopen
// Loads another library.
//@ call row_sum args(x, s, R, C)

#include <dlfcn.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (dlopen("libm.so.6", RTLD_NOW) != nullptr) s[0] = 0;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
