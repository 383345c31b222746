// expect: mismatch: s\[
// Answers each call while the next one is made; the last of a batch has no next.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static struct {
    const float* x;
    float* s;
    int R, C;
  } last{};
  static int calls = 0;
  if (calls++ < 4) {
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
    return;
  }
  for (int r = 0; r < last.R; ++r) {
    float sum = 0;
    for (int c = 0; c < last.C; ++c) sum += last.x[(long long)r * last.C + c];
    last.s[r] = sum;
  }
  last = {x, s, R, C};
}
