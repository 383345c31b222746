// expect: unsafe: mmap
// Memory that all batches would share, made before the first.
//@ call row_sum args(x, s, R, C)
static long Sys6(long n, long a, long b, long c, long d, long e, long f) {
  long r;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return r;
}
static volatile int* counter;
__attribute__((constructor)) static void Begin() { counter = (volatile int*)Sys6(9, 0, 4096, 3, 0x21, -1, 0); }
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  ++*counter;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  if (*counter > 1000) s[0] = 12345;
}
