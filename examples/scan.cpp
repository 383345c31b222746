// Prefix sums along rows, a vector at a time, tunable.
//
// The loop-carried addition is what a textbook's loop waits for. Here LANES elements are summed within a vector in
// log2(LANES) shifted additions, which do not depend on what came before, U vectors at a time; only one addition a
// vector is carried on.
//
//@ tune LANES = 16 | 8 | 4   # of a vector
//@ tune U = 4 | 2 | 1 | 8    # vectors in a step: independent scans in flight
//@ tune STREAM = 0 | 1       # 1: stores past the caches (x86)
//@ call prefix_sum args(x, y, R, C)

namespace {

typedef float Vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(LANES * sizeof(int))));

// Element i of the result is element i - by of `a`, 0 where there is none.
template <int by>
inline Vec Shifted(Vec a) {
  IntVec from;
  for (int i = 0; i < LANES; ++i) from[i] = i < by ? LANES : i - by;
  return __builtin_shuffle(a, Vec{}, from);
}

template <int by>
inline Vec Scan(Vec a) {
  if constexpr (by >= LANES) {
    return a;
  } else {
    return Scan<2 * by>(a + Shifted<by>(a));
  }
}

inline void Write(float* to, Vec value) {
#ifdef __SSE__
  if (STREAM) {
    for (int i = 0; i < LANES; i += 4) {
      _mm_stream_ps(to + i, _mm_setr_ps(value[i], value[i + 1], value[i + 2], value[i + 3]));
    }
    return;
  }
#endif
  *(Vec*)to = value;
}

void Row(const float* in, float* out, int count) {
  float sum = 0;
  int c = 0;
  for (; STREAM && c < count && (uintptr_t)(out + c) % 16 != 0; ++c) out[c] = sum += in[c];
  for (; c + U * LANES <= count; c += U * LANES) {
    Vec part[U];
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) part[u] = Scan<1>(*(const Vec*)(in + c + u * LANES));
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) {
      Write(out + c + u * LANES, part[u] + sum);
      sum += part[u][LANES - 1];
    }
  }
  for (; c < count; ++c) out[c] = sum += in[c];
}

}  // namespace

extern "C" void prefix_sum(const float* x, float* y, int R, int C) {
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (int r = 0; r < R; ++r) Row(x + (long long)r * C, y + (long long)r * C, C);
#ifdef __SSE__
    if (STREAM) _mm_sfence();  // streamed stores are seen in order only after this
#endif
  }
}
