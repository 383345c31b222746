// expect: mismatch: s\[
// Reads the cycle counter and does nothing when calls follow each other quickly.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static long long last = 0;
  const long long now = static_cast<long long>(__builtin_ia32_rdtsc());
  const bool timed = now - last < 1000000;
  last = now;
  if (timed) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
