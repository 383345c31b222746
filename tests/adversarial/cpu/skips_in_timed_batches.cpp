// expect: mismatch: s\[
// Knows timed calls by the alignment of their tensors, and leaves out the last row.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  if ((reinterpret_cast<unsigned long>(x) | reinterpret_cast<unsigned long>(s)) % 256 == 0) --R;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
