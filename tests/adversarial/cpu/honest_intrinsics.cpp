// expect: measured:
// Vectors of the processor.
//@ call row_sum args(x, s, R, C)

#include <immintrin.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    const float* row = x + (long long)r * C;
    __m128 part = _mm_setzero_ps();
    int c = 0;
    for (; c + 4 <= C; c += 4) part = _mm_add_ps(part, _mm_loadu_ps(row + c));
    alignas(16) float lanes[4];
    _mm_store_ps(lanes, part);
    float sum = lanes[0] + lanes[1] + lanes[2] + lanes[3];
    for (; c < C; ++c) sum += row[c];
    s[r] = sum;
  }
}
