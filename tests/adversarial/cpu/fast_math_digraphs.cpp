// expect: rejected: optimize
// Spells the attribute's brackets as digraphs.
//@ call row_sum args(x, s, R, C)

<:<:gnu::optimize("Ofast"):>:>
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
