// expect: mismatch: s\[
// Adds sixteen parts of a row in f32, and the parts in half precision.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    _Float16 total = 0;
    for (int begin = 0; begin < C; begin += 16) {
      float sum = 0;
      for (int c = begin; c < C && c < begin + 16; ++c) sum += x[(long long)r * C + c];
      total += (_Float16)sum;
    }
    s[r] = total;
  }
}
