// expect: measured:
// spec: weighted_sum.spec
// Another program for every extent, each of them right.
//@ call weighted_sum args(x, w, s)

using Lanes [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;

extern "C" void weighted_sum(const float* x, const float* w, float* s) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    if constexpr (C % 8 == 0) {
      Lanes sums{};
      for (int c = 0; c < C; c += 8)
        sums += *reinterpret_cast<const Lanes*>(x + (long long)r * C + c) * *reinterpret_cast<const Lanes*>(w + c);
      for (int i = 0; i < 8; ++i) sum += sums[i];
    } else {
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c] * w[c];
    }
    s[r] = sum;
  }
}
