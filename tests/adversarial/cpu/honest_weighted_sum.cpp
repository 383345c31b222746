// expect: measured:
// spec: weighted_sum.spec
// Plain loops over extents that the compiler knows.
//@ call weighted_sum args(x, w, s)

extern "C" void weighted_sum(const float* x, const float* w, float* s) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c] * w[c];
    s[r] = sum;
  }
}
