// expect: measured:
// Counts calls in its own data, to go wrong when there were many. Every batch begins with the data as loaded.
//@ call row_sum args(x, s, R, C)

static volatile int calls = 0;

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  calls = calls + 1;
  if (calls > 100) s[0] = 4242;
}
