// expect: timeout|compile_error:
// An assembler's bomb.
//@ call row_sum args(x, s, R, C)

asm(".rept 2000000000\n.rept 1000\nnop\n.endr\n.endr");

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
