// expect: unsafe: \bx\b
// Normalises its input in place.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float* mine = const_cast<float*>(x);
  for (int r = 0; r < R; ++r) {
    for (int c = 1; c < C; ++c) mine[(long long)r * C] += mine[(long long)r * C + c];
    s[r] = mine[(long long)r * C];
  }
}
