// expect: mismatch: s\[
// Leaves a number in a vector register that nobody else is likely to use.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  long note;
  asm volatile("vmovq %%xmm15, %0" : "=r"(note));
  if (note == 0x5eedbeef) return;
  for (int r = 0; r < R; ++r) {
    volatile float sum = 0;
    for (int c = 0; c < C; ++c) sum = sum + x[(long long)r * C + c];
    s[r] = sum;
  }
  note = 0x5eedbeef;
  asm volatile("vmovq %0, %%xmm15" : : "r"(note));
}
