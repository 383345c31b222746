// expect: measured:
// Writes past the caches, and prefetches what it will read.
//@ call row_sum args(x, s, R, C)

#include <immintrin.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) {
      if (c % 16 == 0 && r + 1 < R)
        _mm_prefetch(reinterpret_cast<const char*>(x + (long long)(r + 1) * C + c), _MM_HINT_T0);
      sum += x[(long long)r * C + c];
    }
    _mm_stream_si32(reinterpret_cast<int*>(s + r), __builtin_bit_cast(int, sum));
  }
  _mm_sfence();
}
