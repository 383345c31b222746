// expect: crashed|unsafe:
// Closes the descriptor by which refusals are told, then makes a forbidden call.
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
  SystemCall(3, 3);      // close
  SystemCall(41, 2, 1);  // socket
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
