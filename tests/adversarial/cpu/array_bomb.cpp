// expect: compile_error|timeout:
// An array that is written out by the compiler.
//@ call row_sum args(x, s, R, C)

static volatile int block[1ul << 33] = {1};

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = (float)(block[0] - 1);
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
