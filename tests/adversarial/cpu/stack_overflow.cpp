// expect: crashed:
// Recursion without end.
//@ call row_sum args(x, s, R, C)

static int Deeper(volatile int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return Deeper(depth + 1) + frame[0];
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = static_cast<float>(Deeper(0));
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
