// expect: unsafe: does the work of later calls ahead
// Is slow whenever it is continued, also in the empty batch that is taken off: kopt takes off the faster of this one
// and its own, so nothing is gained. Where calls are made one by one each is continued, and so is slower than in a batch.
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

static void OnContinue(int) {
  for (const unsigned long begin = __builtin_ia32_rdtsc(); __builtin_ia32_rdtsc() - begin < 1000000;) {
  }
}
asm("restore: mov $15, %eax\n\tsyscall");
extern "C" void restore();
__attribute__((constructor)) static void Start() {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
  } action{OnContinue, 0x14000000, restore, 0};
  SystemCall(13, 18, (long)&action, 0, 8);  // rt_sigaction of SIGCONT
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
