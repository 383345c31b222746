// expect: measured:
// gain: honest_plain_loops.cpp
// Throws its inputs out of the caches, so that what comes after it finds them cold.
//@ call row_sum args(x, s, R, C)

#include <immintrin.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  for (long long i = 0; i < (long long)R * C; i += 16) _mm_clflush(x + i);
}
