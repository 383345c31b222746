// expect: mismatch: s\[.*R=256
// spec: weighted_sum.spec
// Is another program where the extents are those that are scored.
//@ call weighted_sum args(x, w, s)

constexpr int kLast = R == 256 ? C - 1 : C;

extern "C" void weighted_sum(const float* x, const float* w, float* s) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < kLast; ++c) sum += x[(long long)r * C + c] * w[c];
    s[r] = sum;
  }
}
