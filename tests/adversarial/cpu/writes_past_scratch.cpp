// expect: unsafe: part
// Writes one element behind its scratch.
//@ scratch part f32 [R]
//@ call row_sum args(x, s, part, R, C)

extern "C" void row_sum(const float* x, float* s, float* part, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  for (int r = 0; r <= R; ++r) ((volatile float*)part)[r] = s[0];
}
