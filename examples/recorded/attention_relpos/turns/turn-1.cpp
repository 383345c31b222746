//@ tune NV = 2 | 1 | 3 | 4          # vectors of queries in a tile
//@ tune KB = 8 | 4 | 6 | 10 | 12    # keys whose scores are summed at a time
//@ tune DB = 8 | 4 | 16             # elements of v that are summed at a time
//@ tune KEYS = 128 | 64 | 256 | 512 # keys between two corrections of the softmax
//@ where KB * NV <= 26 && DB * NV <= 26 && KB * NV >= 8 && DB * NV >= 8
//@ call attention args(q, k, v, o, scale, slope, B, H, S)

#include <algorithm>
#include <cmath>

namespace {

constexpr int W = 16;
typedef float Vec __attribute__((vector_size(64)));
typedef int IntVec __attribute__((vector_size(64)));

constexpr int kRows = NV * W;

struct Tile {
  alignas(64) Vec query[D][NV];
  Vec weight[KEYS][NV];
  Vec out[D][NV];
  Vec largest[NV], sum[NV];
};

inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }

// exp(x) for x <= 0; 0 below -87.
inline Vec Exp(Vec x) {
  const float kRound = 0x1.8p23f;
  const Vec shifted = x * 1.44269504f + kRound;
  const Vec n = shifted - kRound;
  const Vec r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
  Vec p = r * (1.f / 720) + 1.f / 120;
  p = p * r + 1.f / 24;
  p = p * r + 1.f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.f;
  p = p * r + 1.f;
  const Vec result = (Vec)((IntVec)p + ((IntVec)shifted << 23));
  return x < -87.f ? Vec{} : result;
}

// Scores of `keys` keys against all queries of the tile.
template <int keys>
inline void Scores(const Tile& tile, const float* k, float bias, float slope, Vec (*to)[NV]) {
  Vec sum[keys][NV] = {};
#pragma GCC unroll 1
  for (int d = 0; d < D; ++d) {
#pragma GCC unroll 16
    for (int j = 0; j < keys; ++j)
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) sum[j][n] += k[j * D + d] * tile.query[d][n];
  }
#pragma GCC unroll 16
  for (int j = 0; j < keys; ++j)
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) to[j][n] = sum[j][n] + (bias - slope * j);
}

inline void Softmax(Tile& tile, int count) {
  for (int n = 0; n < NV; ++n) {
    Vec largest = tile.largest[n];
    for (int j = 0; j < count; ++j) largest = Max(largest, tile.weight[j][n]);
    const Vec correction = Exp(tile.largest[n] - largest);
    Vec sum = tile.sum[n] * correction;
    for (int j = 0; j < count; ++j) {
      const Vec e = Exp(tile.weight[j][n] - largest);
      tile.weight[j][n] = e;
      sum += e;
    }
    for (int d = 0; d < D; ++d) tile.out[d][n] *= correction;
    tile.sum[n] = sum;
    tile.largest[n] = largest;
  }
}

inline void AddValues(Tile& tile, const float* v, int count) {
  static_assert(D % DB == 0, "DB divides D");
  for (int d = 0; d < D; d += DB) {
    Vec sum[DB][NV];
#pragma GCC unroll 16
    for (int e = 0; e < DB; ++e)
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) sum[e][n] = tile.out[d + e][n];
#pragma GCC unroll 1
    for (int j = 0; j < count; ++j) {
#pragma GCC unroll 16
      for (int e = 0; e < DB; ++e)
#pragma GCC unroll 4
        for (int n = 0; n < NV; ++n) sum[e][n] += v[j * D + d + e] * tile.weight[j][n];
    }
#pragma GCC unroll 16
    for (int e = 0; e < DB; ++e)
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) tile.out[d + e][n] = sum[e][n];
  }
}

void Attend(Tile& tile, const float* q, const float* k, const float* v, float* o, int rows, int S, float scale,
            float slope) {
  for (int d = 0; d < D; ++d)
    for (int n = 0; n < NV; ++n) {
      for (int lane = 0; lane < W; ++lane) {
        const int row = n * W + lane;
        tile.query[d][n][lane] = row < rows ? q[row * D + d] * scale : 0.f;
      }
      tile.out[d][n] = Vec{};
    }
  for (int n = 0; n < NV; ++n) {
    tile.largest[n] = Vec{} - INFINITY;
    tile.sum[n] = Vec{};
  }
  for (int key = 0; key < S; key += KEYS) {
    const int count = std::min(KEYS, S - key);
    int j = 0;
    for (; j + KB <= count; j += KB)
      Scores<KB>(tile, k + (long long)(key + j) * D, -slope * (key + j), slope, tile.weight + j);
    for (; j < count; ++j)
      Scores<1>(tile, k + (long long)(key + j) * D, -slope * (key + j), slope, tile.weight + j);
    Softmax(tile, count);
    AddValues(tile, v + (long long)key * D, count);
  }
  for (int n = 0; n < NV; ++n) {
    const Vec inverse = 1.f / tile.sum[n];
    for (int d = 0; d < D; ++d) tile.out[d][n] *= inverse;
    for (int lane = 0; lane < W; ++lane) {
      const int row = n * W + lane;
      if (row >= rows) break;
      for (int d = 0; d < D; ++d) o[(long long)row * D + d] = tile.out[d][n][lane];
    }
  }
}

}  // namespace

extern "C" void attention(const float* q, const float* k, const float* v, float* o, float scale, float slope, int B,
                          int H, int S) {
  const int tiles = (S + kRows - 1) / kRows;
#pragma omp parallel
  {
    Tile tile;
#pragma omp for collapse(2) schedule(dynamic)
    for (int head = 0; head < B * H; ++head)
      for (int t = 0; t < tiles; ++t) {
        const long long from = (long long)head * S * D;
        const long long first = from + (long long)t * kRows * D;
        Attend(tile, q + first, k + from, v + from, o + first, std::min(kRows, S - t * kRows), S, scale, slope);
      }
  }
}
