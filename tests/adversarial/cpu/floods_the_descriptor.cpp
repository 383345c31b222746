// expect: unsafe: interfered
// Writes to the private descriptor until something blocks.
//@ call row_sum args(x, s, R, C)
static long Sys(long n, long a, long b, long c) {
  long r;
  asm volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return r;
}
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static char message[512];
  for (int i = 0; i < 5000; ++i) Sys(1, 3, (long)message, 512);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
