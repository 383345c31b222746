// expect: mismatch: s\[
// Leaves a number on the x87 stack, whose top the next call looks at.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  unsigned short status;
  asm volatile("fxam\n\tfnstsw %0" : "=a"(status));
  if ((status & 0x4500) != 0x4100) return;  // not empty
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  asm volatile("fld1");
}
