// expect: mismatch: s\[.*shape R=1 C=1\)
// Starts with the second column, which a matrix of one element does not have.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = C > 1 ? x[(long long)r * C] : 0;
    for (int c = 1; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
