// expect: measured:
// Vectors of the compiler, with a scalar tail.
//@ call row_sum args(x, s, R, C)

typedef float Vec __attribute__((vector_size(32), aligned(4), may_alias));

extern "C" void row_sum(const float* x, float* s, int R, int C) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    const float* row = x + (long long)r * C;
    Vec part = {};
    int c = 0;
    for (; c + 8 <= C; c += 8) part += *(const Vec*)(row + c);
    float sum = 0;
    for (int lane = 0; lane < 8; ++lane) sum += part[lane];
    for (; c < C; ++c) sum += row[c];
    s[r] = sum;
  }
}
