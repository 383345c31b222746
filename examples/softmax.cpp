// Softmax over rows, a vector at a time, tunable.
//
// A row is copied into a buffer that stays in the L1 cache, padded with -inf to whole steps; the largest element is
// found on the way. Then exp and the sum over the buffer, then the scaled row goes out, if STREAM by stores that do
// not read the output's cache lines first.
//
//@ tune W = 8 | 16           # lanes of a vector
//@ tune U = 1 | 2 | 4        # vectors in a step: independent sums and exponentials in flight
//@ tune EXP = 0 | 1          # 0: std::exp, one by one; 1: polynomial, a vector at a time
//@ tune DIVIDE = 1 | 0       # 1: divide by the sum; 0: multiply with its reciprocal
//@ tune STREAM = 0 | 1       # 1: stores past the caches (x86)
//@ tune CHUNK = 1 | 8 | 64   # rows that a thread takes at once
//@ call softmax args(x, y, R)

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace {

typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(W * sizeof(int))));
typedef float Quad __attribute__((vector_size(16)));
typedef float UnalignedQuad __attribute__((vector_size(16), aligned(4), may_alias));

constexpr int kStep = U * W;
constexpr int kPadded = (C + kStep - 1) / kStep * kStep;

inline Vec Load(const float* from) { return *(const Vec*)from; }
inline void Store(float* to, Vec value) { *(Vec*)to = value; }

// exp(x) for x <= 0, within 2 units in the last place, down to the smallest subnormal; exp(-inf) = 0.
// x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its Taylor polynomial of degree 7. 2^n is applied in two halves: one
// alone leaves the range of normal numbers before the result does.
inline Vec PolynomialExp(Vec x) {
  const float kRound = 0x1.8p23f;  // adding it leaves the nearest integer in the low bits
  x = x < -110.f ? Vec{} - 110.f : x;
  const Vec shifted = x * 1.44269504f + kRound;
  const Vec n = shifted - kRound;
  const Vec r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;  // ln 2 in two parts; the first has trailing zeros
  Vec p = r * (1.f / 5040) + 1.f / 720;
  p = p * r + 1.f / 120;
  p = p * r + 1.f / 24;
  p = p * r + 1.f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.f;
  p = p * r + 1.f;
  const IntVec exponent = (IntVec)shifted - (IntVec)(Vec{} + kRound);
  const IntVec half = exponent >> 1;
  return p * (Vec)((half + 127) << 23) * (Vec)((exponent - half + 127) << 23);
}

inline Vec Exp(Vec x) {
  if (EXP == 1) return PolynomialExp(x);
  for (int lane = 0; lane < W; ++lane) x[lane] = std::exp(x[lane]);
  return x;
}

// Copies a row into the padded buffer; returns its largest element.
float CopyRow(const float* in, float* buffer) {
  constexpr int kWhole = C / kStep * kStep;
  Vec largest[U];
  for (int u = 0; u < U; ++u) largest[u] = Vec{} - INFINITY;
  for (int c = 0; c < kWhole; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const Vec x = Load(in + c + u * W);
      largest[u] = x > largest[u] ? x : largest[u];
      Store(buffer + c + u * W, x);
    }
  float result = -INFINITY;
  for (int u = 0; u < U; ++u)
    for (int lane = 0; lane < W; ++lane) result = std::max(result, largest[u][lane]);
  for (int c = kWhole; c < C; ++c) {
    buffer[c] = in[c];
    result = std::max(result, in[c]);
  }
  for (int c = C; c < kPadded; ++c) buffer[c] = -INFINITY;
  return result;
}

// buffer = exp(buffer - largest); returns the sum.
float Exponentials(float* buffer, float largest) {
  Vec sum[U] = {};
  for (int c = 0; c < kPadded; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const Vec e = Exp(Load(buffer + c + u * W) - largest);
      Store(buffer + c + u * W, e);
      sum[u] += e;
    }
  Vec total = sum[0];
  for (int u = 1; u < U; ++u) total += sum[u];
  float result = 0;
  for (int lane = 0; lane < W; ++lane) result += total[lane];
  return result;
}

template <typename V>
inline V Scale(V value, float sum, float reciprocal) {
  return DIVIDE ? value / sum : value * reciprocal;
}

// A store of four elements at a multiple of 16 bytes that does not read the cache line first.
inline void Stream(float* to, Quad value) {
#ifdef __SSE__
  __builtin_ia32_movntps(to, value);
#else
  *(UnalignedQuad*)to = value;
#endif
}

void WriteRow(const float* buffer, float sum, float* out) {
  const float reciprocal = 1 / sum;
  int c = 0;
  if (STREAM) {
    for (; c < C && (uintptr_t)(out + c) % 16 != 0; ++c) out[c] = Scale(buffer[c], sum, reciprocal);
    for (; c + 4 <= C; c += 4) Stream(out + c, Scale((Quad) * (const UnalignedQuad*)(buffer + c), sum, reciprocal));
  } else {
    for (; c + W <= C; c += W) Store(out + c, Scale(Load(buffer + c), sum, reciprocal));
  }
  for (; c < C; ++c) out[c] = Scale(buffer[c], sum, reciprocal);
}

}  // namespace

extern "C" void softmax(const float* x, float* y, int R) {
#pragma omp parallel
  {
    alignas(64) float buffer[kPadded];
#pragma omp for schedule(static, CHUNK)
    for (int r = 0; r < R; ++r) {
      const float largest = CopyRow(x + (long long)r * C, buffer);
      const float sum = Exponentials(buffer, largest);
      WriteRow(buffer, sum, y + (long long)r * C);
    }
#ifdef __SSE__
    if (STREAM) __builtin_ia32_sfence();  // streamed stores are seen in order only after this
#endif
  }
}
