// expect: unsafe: \bx\b
// Writes to an input what it already holds.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  volatile float* mine = const_cast<float*>(x);
  mine[0] = mine[0];
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
