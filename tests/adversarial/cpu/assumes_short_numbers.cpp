// expect: mismatch: s\[
// Adds in whole steps of 2^-12, right for inputs with few digits.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    int sum = 0;
    for (int c = 0; c < C; ++c) sum += (int)(x[(long long)r * C + c] * 4096.f);
    s[r] = (float)sum / 4096.f;
  }
}
