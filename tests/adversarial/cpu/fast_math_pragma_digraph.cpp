// expect: rejected: optimize
// Spells the pragma's sign as a digraph.
//@ call row_sum args(x, s, R, C)

%:pragma GCC optimize("Ofast")
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
