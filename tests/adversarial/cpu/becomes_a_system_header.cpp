// expect: rejected: system_header
// Calls itself a header of the system, in which much is forgiven.
//@ call row_sum args(x, s, R, C)

#pragma GCC system_header
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
