// expect: rejected: fork
// Declares a function of the C library itself, under another name.
//@ call row_sum args(x, s, R, C)

extern "C" int Copy() __asm__("fork");

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (Copy() == -2) s[0] = 0;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
