// expect: compile_error:
// Has the assembler read a file of the host as its own.
//@ call row_sum args(x, s, R, C)

asm(".include \"/etc/passwd\"");

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
