// Attention in one pass over the keys ("flash attention"), tunable.
//
// A task is a tile of queries of one head. It walks over the keys in tiles: scores = tile of q times a tile of k, then
// the running softmax (largest score, sum, and a correction of what was added before), then o += weights times v.
// Both products use one register-blocked kernel: MR rows by NV vectors of accumulators, one element of the left matrix
// spread over all lanes per step. For that, keys are first packed into panels that hold NV * W keys side by side.
//
//@ tune W = 8 | 16             # lanes of a vector
//@ tune MR = 4 | 6 | 8 | 12    # rows of accumulators
//@ tune NV = 2 | 1 | 4         # vectors of accumulators in a row
//@ tune ROWS = 1 | 2 | 4       # queries in a tile, in groups of MR
//@ tune KEYS = 64 | 128 | 256  # keys in a tile
//@ tune EXP = 0 | 1            # 0: std::exp, one by one; 1: polynomial, a vector at a time
//@ where MR * NV >= 8 && MR * NV <= 24  # enough sums in flight to hide latency, few enough for 32 registers
//@ scratch kt f32 [B * H, ceil_div(S, KEYS) * KEYS, D]
//@ scratch vp f32 [B * H, ceil_div(S, KEYS) * KEYS, align(D, NV * W)]
//@ call attention args(q, k, v, o, kt, vp, scale, slope, B, H, S)

#include <algorithm>
#include <cmath>
#include <cstring>

namespace {

typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(W * sizeof(int))));

constexpr int kPanel = NV * W;                              // keys, or elements of v, that one kernel call covers
constexpr int kTile = ROWS * MR;                            // queries of a task
constexpr int kWidth = (D + kPanel - 1) / kPanel * kPanel;  // D, padded to whole panels
constexpr bool kPackValues = kWidth != D;

inline Vec Load(const float* from) { return *(const Vec*)from; }
inline void Store(float* to, Vec value) { *(Vec*)to = value; }
inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }

float LargestLane(Vec a) {
  float largest = a[0];
  for (int lane = 1; lane < W; ++lane) largest = std::max(largest, a[lane]);
  return largest;
}

float SumOfLanes(Vec a) {
  float sum = 0;
  for (int lane = 0; lane < W; ++lane) sum += a[lane];
  return sum;
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

// c[MR][kPanel] = (accumulate ? c : 0) + a[MR][depth] * b[depth][kPanel]; row strides in elements.
template <bool accumulate>
inline void Multiply(const float* a, int stride_a, const float* b, int stride_b, int depth, float* c, int stride_c) {
  Vec sum[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) sum[i][n] = accumulate ? Load(c + i * stride_c + n * W) : Vec{};
#pragma GCC unroll 1
  for (int t = 0; t < depth; ++t) {
    Vec right[NV];
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) right[n] = Load(b + (long long)t * stride_b + n * W);
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) sum[i][n] += a[i * stride_a + t] * right[n];
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) Store(c + i * stride_c + n * W, sum[i][n]);
}

// Keys of one panel, transposed: to[d][key]. Keys beyond the last are zero.
void PackKeys(const float* k, int count, float* to) {
  for (int d = 0; d < D; ++d)
    for (int j = 0; j < kPanel; ++j) to[d * kPanel + j] = j < count ? k[j * D + d] : 0.f;
}

// Values of one panel's keys with rows padded to kWidth; rows beyond the last key are zero.
void PackValues(const float* v, int count, float* to) {
  std::memset(to, 0, sizeof(float) * kPanel * kWidth);
  for (int j = 0; j < std::min(count, kPanel); ++j) std::memcpy(to + j * kWidth, v + j * D, sizeof(float) * D);
}

// What a task carries from one tile of keys to the next.
struct Running {
  alignas(64) float query[kTile][D];
  alignas(64) float weight[kTile][KEYS];
  alignas(64) float out[kTile][kWidth];
  alignas(64) Vec sum[kTile];  // by lane
  float largest[kTile];
};

// The running softmax of one row over one tile of `count` keys: scores in, weights out.
inline void Softmax(Running& run, int row, float bias, float slope, int count) {
  float* weight = run.weight[row];
  Vec lane;
  for (int l = 0; l < W; ++l) lane[l] = l;
  Vec largest = Vec{} - INFINITY;
  for (int j = 0; j < KEYS; j += W) {
    const Vec key = lane + (float)j;
    Vec score = Load(weight + j) + (bias - slope * key);
    score = key < (float)count ? score : Vec{} - INFINITY;
    largest = Max(largest, score);
    Store(weight + j, score);
  }
  const float before = run.largest[row];
  const float now = std::max(before, LargestLane(largest));
  const float correction = std::exp(before - now);
  Vec sum = run.sum[row] * correction;
  for (int j = 0; j < KEYS; j += W) {
    const Vec e = Exp(Load(weight + j) - now);
    Store(weight + j, e);
    sum += e;
  }
  run.sum[row] = sum;
  run.largest[row] = now;
  if (correction != 1)
    for (int d = 0; d < kWidth; d += W) Store(run.out[row] + d, Load(run.out[row] + d) * correction);
}

// Queries first .. first + kTile of one head. `kt` and `v` are that head's packed keys and values.
void Attend(Running& run, const float* q, const float* kt, const float* v, float* o, int first, float scale,
            float slope, int S) {
  const int rows = std::min(kTile, S - first);
  for (int i = 0; i < kTile; ++i) {
    for (int d = 0; d < D; ++d) run.query[i][d] = i < rows ? q[(long long)(first + i) * D + d] * scale : 0.f;
    for (int d = 0; d < kWidth; ++d) run.out[i][d] = 0;
    run.sum[i] = Vec{};
    run.largest[i] = -INFINITY;
  }
  for (int key = 0; key < S; key += KEYS) {
    const int count = std::min(KEYS, S - key);
    for (int j = 0; j < KEYS; j += kPanel)
      for (int i = 0; i < kTile; i += MR)
        Multiply<false>(run.query[i], D, kt + (long long)(key + j) * D, kPanel, D, run.weight[i] + j, KEYS);
    for (int i = 0; i < kTile; ++i) Softmax(run, i, slope * (first + i - key), slope, count);
    for (int d = 0; d < kWidth; d += kPanel)
      for (int i = 0; i < kTile; i += MR)
        Multiply<true>(run.weight[i], KEYS, v + (long long)key * kWidth + d, kWidth, count, run.out[i] + d, kWidth);
  }
  for (int i = 0; i < rows; ++i) {
    const float inverse = 1 / SumOfLanes(run.sum[i]);
    for (int d = 0; d < D; ++d) o[(long long)(first + i) * D + d] = run.out[i][d] * inverse;
  }
}

}  // namespace

extern "C" void attention(const float* q, const float* k, const float* v, float* o, float* kt, float* vp, float scale,
                          float slope, int B, int H, int S) {
  const int panels = (S + KEYS - 1) / KEYS * (KEYS / kPanel);
  const int tiles = (S + kTile - 1) / kTile;
  const long long padded = (long long)panels * kPanel;
#pragma omp parallel
  {
#pragma omp for collapse(2)
    for (int head = 0; head < B * H; ++head)
      for (int panel = 0; panel < panels; ++panel) {
        const int key = panel * kPanel;
        const long long from = ((long long)head * S + std::min(key, S)) * D;
        PackKeys(k + from, S - key, kt + (head * padded + key) * D);
        if (kPackValues) PackValues(v + from, S - key, vp + (head * padded + key) * kWidth);
      }
    Running run;
#pragma omp for collapse(2) schedule(dynamic)
    for (int head = 0; head < B * H; ++head)
      for (int tile = 0; tile < tiles; ++tile)
        Attend(run, q + (long long)head * S * D, kt + head * padded * D,
               kPackValues ? vp + head * padded * kWidth : v + (long long)head * S * D, o + (long long)head * S * D,
               tile * kTile, scale, slope, S);
  }
}
