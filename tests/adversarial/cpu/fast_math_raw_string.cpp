// expect: rejected: optimize
// Hides the pragma in a raw string.
//@ call row_sum args(x, s, R, C)

_Pragma(R"x(GCC optimize("Ofast"))x") extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
