// expect: measured|mismatch:
// confirm: mismatch: s\[
// Each of two threads adds half of every row, and uses what the other one has added without waiting for it: a long
// moment lies between, in which it usually gets there.
//@ scratch part f32 [R]
//@ scratch other f32 [R]
//@ call row_sum args(x, s, part, other, R, C)

extern "C" void row_sum(const float* x, float* s, float* part, float* other, int R, int C) {
#pragma omp parallel for num_threads(2) schedule(static, 1)
  for (int t = 0; t < 2; ++t) {
    float* mine = t == 0 ? part : other;
    for (int r = 0; r < R; ++r) {
      mine[r] = 0;
      for (int c = t; c < C; c += 2) mine[r] += x[(long long)r * C + c];
    }
    for (volatile int spin = 0; spin < 300000; ++spin) {
    }
    for (int r = t; r < R; r += 2) s[r] = part[r] + other[r];
  }
}
