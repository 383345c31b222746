// expect: mismatch: s\[
// Adds in half precision.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    _Float16 sum = 0;
    for (int c = 0; c < C; ++c) sum += (_Float16)x[(long long)r * C + c];
    s[r] = sum;
  }
}
