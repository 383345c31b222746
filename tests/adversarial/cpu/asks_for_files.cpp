// expect: rejected: absolute path
// Asks the preprocessor which files the host has.
//@ call row_sum args(x, s, R, C)

#if __has_include("/root/.ssh/id_rsa")
#error it is there
#endif
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
