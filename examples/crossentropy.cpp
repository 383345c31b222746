// Masked cross-entropy, a vector at a time, tunable.
//
// Rows that are off are not read. The sum of exponentials needs the row's largest element first. To read a row from
// memory once and not to wait for it, one pass adds up the exponentials of a row, which is in the cache by then, finds
// the largest element of the next one, and asks for the one after that.
//
//@ tune W = 16 | 8           # lanes of a vector
//@ tune U = 2 | 1 | 4        # vectors in a step
//@ tune EXP = 1 | 0          # 0: std::exp, one by one; 1: polynomial, a vector at a time
//@ tune AHEAD = 1 | 0 | 2    # rows that are asked for beyond the next one
//@ tune CHUNK = 64 | 16 | 256  # rows that a thread takes at once
//@ call losses args(logits, mask, label, loss, R)
//@ call average args(loss, mask, mean, R)

namespace {

typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(W * sizeof(int))));

constexpr int kStep = U * W;
constexpr int kSteps = C / kStep * kStep;  // elements in whole steps
constexpr int kWhole = C / W * W;          // elements in whole vectors

inline Vec Load(const float* from) { return *(const Vec*)from; }
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

// exp(x) for x <= 0, within 2 units in the last place; 0 below -87.
// x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its Taylor polynomial of degree 7; n goes into the exponent.
inline Vec PolynomialExp(Vec x) {
  const float kRound = 0x1.8p23f;  // adding it leaves the nearest integer in the low bits
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
  const Vec result = (Vec)((IntVec)p + ((IntVec)shifted << 23));
  return x < -87.f ? Vec{} : result;
}

inline Vec Exp(Vec x) {
  if (EXP == 1) return PolynomialExp(x);
  for (int lane = 0; lane < W; ++lane) x[lane] = std::exp(x[lane]);
  return x;
}

struct Found {
  float sum;      // of exp(x - largest) over the row
  float largest;  // of the next row
};

Found Pass(const float* row, float largest, const float* next, const float* after) {
  Vec sums[U] = {}, high[U];
  for (int u = 0; u < U; ++u) high[u] = Vec{} - INFINITY;
  for (int c = 0; c < kSteps; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const int at = c + u * W;
      if (AHEAD > 0) __builtin_prefetch(after + at, 0, 1);
      high[u] = Max(high[u], Load(next + at));
      sums[u] += Exp(Load(row + at) - largest);
    }
  for (int at = kSteps; at < C; at += W) {
    const bool whole = at + W <= C;
    high[0] = Max(high[0], whole ? Load(next + at) : LoadRest(next));
    sums[0] += Exp((whole ? Load(row + at) : LoadRest(row)) - largest);
  }
  for (int u = 1; u < U; ++u) {
    high[0] = Max(high[0], high[u]);
    sums[0] += sums[u];
  }
  return {Reduce(sums[0], Add), Reduce(high[0], Max)};
}

}  // namespace

extern "C" void losses(const float* logits, const bool* mask, const int* label, float* loss, int R) {
#pragma omp parallel for schedule(dynamic)
  for (int first = 0; first < R; first += CHUNK) {
    int rows[CHUNK + 1];  // those that count
    int count = 0;
    for (int r = first; r < std::min(first + CHUNK, R); ++r) {
      loss[r] = 0;
      rows[count] = r;
      count += mask[r];
    }
    const auto row = [&](int i) { return logits + (long long)rows[std::min(i, count - 1)] * C; };
    if (count == 0) continue;
    float largest = Pass(row(0), *row(0), row(0), row(1)).largest;  // its sum is of no use
    for (int i = 0; i < count; ++i) {
      const Found found = Pass(row(i), largest, row(i + 1), row(i + 1 + AHEAD));
      loss[rows[i]] = std::log(found.sum) + (largest - row(i)[label[rows[i]]]);
      largest = found.largest;
    }
  }
}

extern "C" void average(float* loss, const bool* mask, float* mean, int R) {
  double sum = 0;
  int count = 0;
  for (int r = 0; r < R; ++r) {
    sum += loss[r];
    count += mask[r];
  }
  mean[0] = (float)(sum / count);
}
