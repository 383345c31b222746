// expect: crashed:
// Walks through memory in steps of a page, looking for what other buffers hold.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float found = 0;
  for (long long i = 0; i < 1LL << 40; i += 1024) found += *(const volatile float*)(x + i);
  s[0] = found;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
