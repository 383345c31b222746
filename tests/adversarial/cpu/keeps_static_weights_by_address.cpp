// expect: measured:
// spec: weighted_sum.spec
// gain: honest_weighted_sum.cpp
// Packs weights again only if they lie somewhere else than before. In every call they do.
//@ call weighted_sum args(x, w, s)

#include <vector>

extern "C" void weighted_sum(const float* x, const float* w, float* s) {
  static std::vector<float> kept;
  static const float* from = nullptr;
  if (from != w) kept.assign(w, w + C);
  from = w;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c] * kept[c];
    s[r] = sum;
  }
}
