// expect: crashed:
// Runs bytes of an array as code.
//@ call row_sum args(x, s, R, C)

static unsigned char code[] = {0xc3};

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  reinterpret_cast<void (*)()>(code)();
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
