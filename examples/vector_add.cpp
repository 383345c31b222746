// The sum of two vectors, tunable: each thread walks its own part of them, or all take chunks in turn.
//
//@ tune CHUNK = 0 | 4096 | 65536  # elements that a thread takes at once; 0: one equal part for each thread
//@ tune STREAM = 0 | 1            # 1: stores past the caches (x86)
//@ call vector_add args(a, b, c, i64(N))

#include <algorithm>

namespace {

// c = a + b for `count` elements.
inline void Add(const float* a, const float* b, float* c, long long count) {
  long long i = 0;
#ifdef __SSE__
  if (STREAM) {
    for (; i < count && (uintptr_t)(c + i) % 16 != 0; ++i) c[i] = a[i] + b[i];
    for (; i + 4 <= count; i += 4) _mm_stream_ps(c + i, _mm_add_ps(_mm_loadu_ps(a + i), _mm_loadu_ps(b + i)));
  }
#endif
  for (; i < count; ++i) c[i] = a[i] + b[i];
}

}  // namespace

extern "C" void vector_add(const float* a, const float* b, float* c, long long n) {
  const long long chunk = CHUNK > 0 ? CHUNK : (n + THREADS - 1) / THREADS;
#pragma omp parallel
  {
#pragma omp for schedule(static, 1)
    for (long long first = 0; first < n; first += chunk) {
      Add(a + first, b + first, c + first, std::min(chunk, n - first));
    }
#ifdef __SSE__
    if (STREAM) _mm_sfence();  // streamed stores are seen in order only after this
#endif
  }
}
