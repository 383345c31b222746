// expect: compile_error:
// An object larger than a file may be.
//@ call row_sum args(x, s, R, C)

asm(".data\n.fill 1099511627776, 1, 1\n.text");

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
