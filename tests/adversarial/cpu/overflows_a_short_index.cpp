// expect: mismatch: s\[.*shape R=512 C=256\)
// Counts elements with 16 bits, which is enough for every check shape.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(unsigned short)(r * C + c)];
    s[r] = sum;
  }
}
