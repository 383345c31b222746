// expect: rejected: Missing
// Calls a function that is nowhere.
//@ call row_sum args(x, s, R, C)

extern "C" float Missing(int);

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = Missing(R);
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
