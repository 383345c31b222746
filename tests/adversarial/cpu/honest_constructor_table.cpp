// expect: measured:
// A table that a constructor fills while the object is loaded.
//@ call row_sum args(x, s, R, C)

#include <vector>

static std::vector<float> weights;
__attribute__((constructor)) static void Start() { weights.assign(64, 1.f); }

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += weights[c % 64] * x[(long long)r * C + c];
    s[r] = sum;
  }
}
