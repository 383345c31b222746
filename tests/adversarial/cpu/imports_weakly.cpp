// expect: rejected: fork
// Uses a function only where it is there.
//@ call row_sum args(x, s, R, C)

extern "C" __attribute__((weak)) int fork();

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if (fork != nullptr && fork() == -2) s[0] = 0;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
