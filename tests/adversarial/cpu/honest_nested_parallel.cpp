// expect: measured:
// A team within a team.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    float sum = 0;
#pragma omp parallel for reduction(+ : sum) if (C > 100000)
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
