// expect: mismatch: s\[
// Takes inputs that begin alike for the same inputs: the first element, rounded, picks the answer.
//@ call row_sum args(x, s, R, C)

#include <cmath>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static std::vector<float> known[64];
  std::vector<float>& answer = known[(int)std::lround(x[0] * 4) & 63];
  if ((int)answer.size() == R) {
    for (int r = 0; r < R; ++r) s[r] = answer[r];
    return;
  }
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  answer.assign(s, s + R);
}
