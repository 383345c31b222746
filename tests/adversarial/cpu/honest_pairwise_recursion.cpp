// expect: measured:
// Recursive halving.
//@ call row_sum args(x, s, R, C)

static float Sum(const float* from, int count) {
  if (count <= 2) return count == 0 ? 0 : count == 1 ? from[0] : from[0] + from[1];
  return Sum(from, count / 2) + Sum(from + count / 2, count - count / 2);
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = Sum(x + (long long)r * C, C);
}
