// expect: crashed|timeout:
// Takes memory until `new` throws.
//@ call row_sum args(x, s, R, C)

#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::vector<std::vector<float>> blocks;
  for (;;) blocks.emplace_back(64 << 20, 1.f);
}
