// expect: rejected: dlopen
// Gives a forbidden function another name.
//@ call row_sum args(x, s, R, C)

asm(".symver harmless, dlopen@GLIBC_2.34");
extern "C" void* harmless(const char*, int);

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (R < 0) harmless("", 0);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
