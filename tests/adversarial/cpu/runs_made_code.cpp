// expect: measured:
// gain: honest_plain_loops.cpp
// Makes executable memory while it is loaded, and code in it. That is its own affair: it is still its own process.
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

static int (*made)() = nullptr;
__attribute__((constructor)) static void Start() {
  unsigned char* code = (unsigned char*)SystemCall(9, 0, 4096, 7, 0x22, -1, 0);  // mmap
  code[0] = 0x31, code[1] = 0xc0, code[2] = 0xc3;                                // xor eax, eax; ret
  made = (int (*)())code;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  R += made();
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
