// expect: mismatch: s\[
// Works in all calls but the fortieth of a process. Only timed batches have so many.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static int calls = 0;
  if (++calls == 40) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
