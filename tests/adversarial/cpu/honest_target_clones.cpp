// expect: measured:
// One function for several kinds of CPU, chosen by the loader.
//@ call row_sum args(x, s, R, C)

__attribute__((target_clones("avx2", "default"))) static float Sum(const float* x, int C) {
  float sum = 0;
  for (int c = 0; c < C; ++c) sum += x[c];
  return sum;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = Sum(x + (long long)r * C, C);
}
