// expect: mismatch: s\[
// Computes the first call only and repeats its answer.
//@ call row_sum args(x, s, R, C)

#include <algorithm>
#include <cstddef>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static std::vector<float> answer;
  if (answer.empty()) {
    answer.resize(R);
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      answer[r] = sum;
    }
  }
  std::copy_n(answer.begin(), std::min<std::size_t>(R, answer.size()), s);
}
