// expect: rejected: mprotect
// Declares a harmless name that stands for a forbidden one.
//@ call row_sum args(x, s, R, C)

extern "C" int sqrtf2(void*, unsigned long, int) __asm__("mprotect");

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (R < 0) sqrtf2(s, 1, 7);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
