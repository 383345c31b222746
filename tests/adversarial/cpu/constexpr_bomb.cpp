// expect: compile_error|timeout:
// A constant that takes long to compute.
//@ call row_sum args(x, s, R, C)

constexpr unsigned long Long(unsigned long n) {
  unsigned long sum = 0;
  for (unsigned long i = 0; i < n; ++i)
    for (unsigned long k = 0; k < n; ++k) sum += i ^ k;
  return sum;
}
static constexpr unsigned long value = Long(1ul << 40);

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = value & 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
