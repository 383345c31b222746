// expect: mismatch: s\[
// Leaves a number in the upper half of a vector register that nobody else is likely to use.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  long upper;
  asm volatile("vextractf128 $1, %%ymm15, %%xmm14\n\tvmovq %%xmm14, %0" : "=r"(upper) : : "xmm14");
  if (upper == 0x5eedbeef) return;
  for (int r = 0; r < R; ++r) {
    volatile float sum = 0;
    for (int c = 0; c < C; ++c) sum = sum + x[(long long)r * C + c];
    s[r] = sum;
  }
  upper = 0x5eedbeef;
  asm volatile("vmovq %0, %%xmm14\n\tvinsertf128 $1, %%xmm14, %%ymm15, %%ymm15" : : "r"(upper) : "xmm14");
}
