// expect: unsafe: interfered
// Leaves messages of the worker's kind, so that the next batch would believe in another process.
//@ call row_sum args(x, s, R, C)
static long Sys(long n, long a, long b, long c) {
  long r;
  asm volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return r;
}
struct Poll { int fd; short events, revents; };
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static int message[128];
  static bool done = false;
  if (!done) {
    done = true;
    Sys(1, 3, (long)message, 1);
    message[0] = 6;  // kForked
    message[1] = 6694;
    Sys(1, 3, (long)message, 512);
    message[0] = 8; message[1] = 0;
    Sys(1, 3, (long)message, 512);
    Poll p{3, 1, 0};
    for (int i = 0; i < 2; ++i) if (Sys(7, (long)&p, 1, 30) == 1) Sys(0, 3, (long)message, 512);
  }
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
