// expect: mismatch: s\[
// spec: weighted_sum.spec
// Copies the weights in its first call: no check shows it others. Timed batches do.
//@ call weighted_sum args(x, w, s)

#include <vector>

extern "C" void weighted_sum(const float* x, const float* w, float* s) {
  static const std::vector<float> kept(w, w + C);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c] * kept[c];
    s[r] = sum;
  }
}
