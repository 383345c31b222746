// Masked cross-entropy, a vector at a time, tunable.
//
// Rows that are off are not read. ONLINE = 1 reads a row once: each lane keeps its own largest element and the sum of
// exponentials relative to it, corrected whenever the largest grows. With 0 a row is read twice, the second time from
// the L1 cache, and each element has one exponential.
//
//@ tune W = 16 | 8          # lanes of a vector
//@ tune U = 2 | 1 | 4       # vectors in a step
//@ tune ONLINE = 0 | 1
//@ tune EXP = 1 | 0         # 0: std::exp, one by one; 1: polynomial, a vector at a time
//@ tune CHUNK = 8 | 1 | 64  # rows that a thread takes at once
//@ call losses args(logits, mask, label, loss, R)
//@ call average args(loss, mask, mean, R)

namespace {

typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(W * sizeof(int))));

constexpr int kStep = U * W;
constexpr int kWhole = C / kStep * kStep;

inline Vec Load(const float* from) { return *(const Vec*)from; }

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

struct Row {
  float largest, sum;  // sum of exp(x - largest)
};

Row ReadTwice(const float* row) {
  Vec high[U];
  for (int u = 0; u < U; ++u) high[u] = Vec{} - INFINITY;
  for (int c = 0; c < kWhole; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const Vec x = Load(row + c + u * W);
      high[u] = x > high[u] ? x : high[u];
    }
  float largest = -INFINITY;
  for (int u = 0; u < U; ++u)
    for (int lane = 0; lane < W; ++lane) largest = std::max(largest, high[u][lane]);
  for (int c = kWhole; c < C; ++c) largest = std::max(largest, row[c]);

  Vec sums[U] = {};
  for (int c = 0; c < kWhole; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) sums[u] += Exp(Load(row + c + u * W) - largest);
  float sum = 0;
  for (int u = 0; u < U; ++u)
    for (int lane = 0; lane < W; ++lane) sum += sums[u][lane];
  for (int c = kWhole; c < C; ++c) sum += std::exp(row[c] - largest);
  return {largest, sum};
}

Row ReadOnce(const float* row) {
  Vec high[U], sums[U] = {};
  for (int u = 0; u < U; ++u) high[u] = Vec{} - 3e38f;
  for (int c = 0; c < kWhole; c += kStep)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const Vec x = Load(row + c + u * W);
      const Vec next = x > high[u] ? x : high[u];
      sums[u] = sums[u] * Exp(high[u] - next) + Exp(x - next);
      high[u] = next;
    }
  float largest = -INFINITY;
  for (int u = 0; u < U && kWhole > 0; ++u)
    for (int lane = 0; lane < W; ++lane) largest = std::max(largest, high[u][lane]);
  for (int c = kWhole; c < C; ++c) largest = std::max(largest, row[c]);
  float sum = 0;
  for (int u = 0; u < U && kWhole > 0; ++u)
    for (int lane = 0; lane < W; ++lane) sum += sums[u][lane] * std::exp(high[u][lane] - largest);
  for (int c = kWhole; c < C; ++c) sum += std::exp(row[c] - largest);
  return {largest, sum};
}

}  // namespace

extern "C" void losses(const float* logits, const bool* mask, const int* label, float* loss, int R) {
#pragma omp parallel for schedule(dynamic, CHUNK)
  for (int r = 0; r < R; ++r) {
    loss[r] = 0;
    if (!mask[r]) continue;
    const float* row = logits + (long long)r * C;
    const Row found = ONLINE ? ReadOnce(row) : ReadTwice(row);
    loss[r] = std::log(found.sum) + (found.largest - row[label[r]]);
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
