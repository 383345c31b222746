// expect: mismatch: repeatable
// spec: repeatable_sum.spec
// Begins each row somewhere else in every call, where results must repeat.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const int begin = (int)(__builtin_ia32_rdtsc() >> 8) & 63;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + (c + begin) % C];
    s[r] = sum;
  }
}
