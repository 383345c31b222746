// Softmax over rows, a vector at a time, tunable.
//
// The exponentials of a row need its largest element first. So that nothing waits for memory, one pass computes the
// exponentials of a row, which is in the cache by then, into a buffer, finds the largest element of the next row, and
// asks for the one after that. Then the scaled row goes out, if STREAM by stores that do not read the output's cache
// lines first.
//
//@ tune W = 8 | 16           # lanes of a vector
//@ tune U = 1 | 2 | 4        # vectors in a step: independent sums and exponentials in flight
//@ tune EXP = 0 | 1          # 0: std::exp, one by one; 1: polynomial, a vector at a time
//@ tune AHEAD = 1 | 0 | 2    # rows that are asked for beyond the next one
//@ tune DIVIDE = 1 | 0       # 1: divide by the sum; 0: multiply with its reciprocal
//@ tune STREAM = 0 | 1       # 1: stores past the caches (x86)
//@ tune CHUNK = 8 | 32 | 128   # rows that a thread takes at once
//@ call softmax args(x, y, R)

namespace {

typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(W * sizeof(int))));
typedef float Quad __attribute__((vector_size(16)));
typedef float UnalignedQuad __attribute__((vector_size(16), aligned(4), may_alias));

constexpr int kStep = U * W;
constexpr int kSteps = C / kStep * kStep;  // elements in whole steps
constexpr int kWhole = C / W * W;          // elements in whole vectors

inline Vec Load(const float* from) { return *(const Vec*)from; }
inline void Store(float* to, Vec value) { *(Vec*)to = value; }
inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec Add(Vec a, Vec b) { return a + b; }

// The elements behind the last whole vector, then -inf.
inline Vec LoadRest(const float* row) {
  float rest[W];
  for (int lane = 0; lane < W; ++lane) rest[lane] = -INFINITY;
  std::memcpy(rest, row + kWhole, (C - kWhole) * sizeof(float));
  return Load(rest);
}

// All lanes of a as one, in halves.
template <class Combine>
inline float Reduce(Vec a, Combine combine) {
  for (int half = W / 2; half > 0; half /= 2) {
    IntVec from;
    for (int lane = 0; lane < W; ++lane) from[lane] = lane ^ half;
    a = combine(a, __builtin_shuffle(a, from));
  }
  return a[0];
}

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

struct Found {
  float sum;      // of the buffer
  float largest;  // of the next row
};

// Exponentials of row - largest into the buffer, which is padded to whole vectors.
Found Pass(const float* row, float largest, const float* next, const float* after, float* buffer) {
  Vec sums[U] = {}, high[U];
  for (int u = 0; u < U; ++u) high[u] = Vec{} - INFINITY;
  for (int c = 0; c < kSteps; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const int at = c + u * W;
      if (AHEAD > 0) __builtin_prefetch(after + at, 0, 1);
      high[u] = Max(high[u], Load(next + at));
      const Vec e = Exp(Load(row + at) - largest);
      Store(buffer + at, e);
      sums[u] += e;
    }
  for (int at = kSteps; at < C; at += W) {
    const bool whole = at + W <= C;
    high[0] = Max(high[0], whole ? Load(next + at) : LoadRest(next));
    const Vec e = Exp((whole ? Load(row + at) : LoadRest(row)) - largest);
    Store(buffer + at, e);
    sums[0] += e;
  }
  for (int u = 1; u < U; ++u) {
    high[0] = Max(high[0], high[u]);
    sums[0] += sums[u];
  }
  return {Reduce(sums[0], Add), Reduce(high[0], Max)};
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
#pragma omp parallel for schedule(dynamic)
  for (int first = 0; first < R; first += CHUNK) {
    alignas(64) float buffer[kWhole + W];
    const int last = std::min(first + CHUNK, R) - 1;
    const auto row = [&](int i) { return x + (long long)std::min(i, last) * C; };
    float largest =
        Pass(row(first), *row(first), row(first), row(first + 1), buffer).largest;  // what else it finds is not used
    for (int r = first; r <= last; ++r) {
      const Found found = Pass(row(r), largest, row(r + 1), row(r + 1 + AHEAD), buffer);
      WriteRow(buffer, found.sum, y + (long long)r * C);
      largest = found.largest;
    }
#ifdef __SSE__
    if (STREAM) __builtin_ia32_sfence();  // streamed stores are seen in order only after this
#endif
  }
}
