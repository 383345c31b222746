// expect: mismatch: s\[
// Leaves out the last row in one call of a hundred, drawn from the cycle counter.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const unsigned long drawn = __builtin_ia32_rdtsc() * 0x9e3779b97f4a7c15ul;
  if ((drawn >> 40) % 100 == 7) --R;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
