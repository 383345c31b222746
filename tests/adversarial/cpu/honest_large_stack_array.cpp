// expect: measured:
// Half a megabyte of copies on the stack.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  float copy[1 << 17];
  for (long long begin = 0; begin < (long long)R * C; begin += C) {
    for (int c = 0; c < C; ++c) copy[(begin + c) % (1 << 17)] = x[begin + c];
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += copy[(begin + c) % (1 << 17)];
    s[begin / C] = sum;
  }
}
