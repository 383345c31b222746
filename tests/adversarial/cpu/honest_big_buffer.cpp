// expect: measured:
// A buffer of 64 MB in every call, of which it touches what it needs.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float* part = static_cast<float*>(std::malloc(64 << 20));
  if (part == nullptr) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    part[r] = sum;
  }
  for (int r = 0; r < R; ++r) s[r] = part[r];
  std::free(part);
}
