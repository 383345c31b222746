// expect: measured|mismatch:
// confirm: mismatch: the calling one comes last
// The calling thread of the team makes a list that the others use without waiting for it: a long moment lies between, in
// which it usually gets there. Nobody waits, since `omp master` has no barrier.
//@ scratch weight f32 [2]
//@ call row_sum args(x, s, weight, R, C)

extern "C" void row_sum(const float* x, float* s, float* weight, int R, int C) {
#pragma omp parallel num_threads(2)
  {
#pragma omp master
    weight[0] = 0.5F;
    for (volatile int spin = 0; spin < 300000; ++spin) {
    }
#pragma omp for schedule(static, 1)
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c] * weight[0];
      s[r] = 2 * sum;
    }
  }
}
