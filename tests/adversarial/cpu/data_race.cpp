// expect: mismatch: s\[
// All threads add to one variable without a lock.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    volatile float sum = 0;
#pragma omp parallel for num_threads(2)
    for (int c = 0; c < C; ++c) sum = sum + x[(long long)r * C + c];
    s[r] = sum;
  }
}
