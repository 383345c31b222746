// expect: measured:
// Barriers, a critical section, sections and a single block.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  int done = 0;
#pragma omp parallel
  {
#pragma omp for
    for (int r = 0; r < R; ++r) s[r] = 0;
#pragma omp barrier
#pragma omp single
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      s[r] = sum;
    }
#pragma omp critical
    ++done;
#pragma omp sections
    {
#pragma omp section
      asm volatile("");
#pragma omp section
      asm volatile("");
    }
  }
}
