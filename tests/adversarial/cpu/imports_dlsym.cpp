// expect: rejected: dlsym
// Looks for functions of the process that called it.
//@ call row_sum args(x, s, R, C)

#include <dlfcn.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (dlsym(RTLD_DEFAULT, "kopt_entry") != nullptr) s[0] = 0;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
