// expect: unsafe:
// A system call by the 32-bit table, where numbers mean other calls.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(2) : "memory");  // fork
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
