// expect: compile_error:
// An object file of four gigabytes.
//@ call row_sum args(x, s, R, C)

asm(".data\n.fill 0x100000000, 1, 1\n.text");

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
