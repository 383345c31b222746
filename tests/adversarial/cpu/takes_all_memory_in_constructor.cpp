// expect: crashed|timeout:
// Takes memory until there is no more, while it is loaded.
//@ call row_sum args(x, s, R, C)

#include <vector>

static std::vector<std::vector<float>> blocks;
__attribute__((constructor)) static void Start() {
  for (;;) blocks.emplace_back(64 << 20, 1.f);
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
