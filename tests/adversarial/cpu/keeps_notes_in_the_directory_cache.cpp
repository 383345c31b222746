// expect: measured:
// Would leave notes in the kernel, which finds a name sooner that was looked up before, even one that does not exist: a
// later batch could measure that. Is right only because nothing is looked up.
//@ call row_sum args(x, s, R, C)

static long SystemCall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static char status[256];
  if (SystemCall(262, -100, (long)"/usr/lib/kopt-note", (long)status, 0) != -13) R = 0;  // newfstatat: EACCES
  if (SystemCall(4, (long)"/usr/lib/kopt-note", (long)status) != -13) R = 0;             // stat
  if (SystemCall(21, (long)"/usr/lib/kopt-note", 0) != -13) R = 0;                       // access
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
