// expect: mismatch: s\[
// Reads the CPU time of its parent: while a batch is timed kopt waits, and then a row is left out.
//@ call row_sum args(x, s, R, C)

#include <ctime>

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
  static timespec before{}, now{};
  const long parent = SystemCall(110);  // getppid
  clock_gettime((clockid_t)(~(unsigned)parent << 3 | 2), &now);
  const bool waits = now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec;
  before = now;
  if (waits) --R;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
