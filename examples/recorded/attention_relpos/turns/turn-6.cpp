//@ tune NV = 2 | 3                  # vectors of queries in a tile
//@ tune KB = 12 | 8 | 6            # keys whose scores are summed at a time
//@ tune DB = 8 | 4                 # elements of v that are summed at a time
//@ tune KEYS = 96 | 192 | 48 | 384  # keys between two corrections of the softmax
//@ where KB * NV <= 26 && DB * NV <= 26 && KB * NV >= 8 && DB * NV >= 8
//@ call attention args(q, k, v, o, scale, slope, B, H, S)

#include <algorithm>
#include <cmath>

namespace {

constexpr int W = 16;
typedef float Vec __attribute__((vector_size(64)));
typedef float Loose __attribute__((vector_size(64), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(64)));

constexpr int kRows = NV * W;

struct Tile {
  alignas(64) Vec query[D][NV];
  Vec weight[KEYS][NV];
  Vec out[D][NV];
  Vec largest[NV], sum[NV];
};

// One element in all lanes, in a register: without this the compiler reads it from memory again for each product.
inline Vec Spread(float x) {
  Vec all = Vec{} + x;
  asm("" : "+v"(all));
  return all;
}

inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }

// 2^x for x <= 0; next to nothing below -126. Degree 5 for the fraction, -1/2 to 1/2, from Chebyshev points.
inline Vec Exp2(Vec x) {
  const float kRound = 0x1.8p23f;
  x = Max(x, Vec{} - 126.f);
  const Vec shifted = x + kRound;
  const Vec r = x - (shifted - kRound);
  Vec p = r * 0.00133908634f + 0.00967603192f;
  p = p * r + 0.0555035711f;
  p = p * r + 0.240221075f;
  p = p * r + 0.693147188f;
  p = p * r + 1.f;
  return (Vec)((IntVec)p + ((IntVec)shifted << 23));
}

// Lane i of row j becomes lane j of row i.
template <int step>
inline void Exchange(Vec (&rows)[W]) {
  IntVec low, high;
#pragma GCC unroll 16
  for (int lane = 0; lane < W; ++lane) {
    low[lane] = lane & step ? lane - step + W : lane;
    high[lane] = lane & step ? lane + W : lane + step;
  }
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) {
    if (i & step) continue;
    const Vec a = rows[i], b = rows[i + step];
    rows[i] = __builtin_shuffle(a, b, low);
    rows[i + step] = __builtin_shuffle(a, b, high);
  }
}
inline void Transpose(Vec (&rows)[W]) {
  Exchange<8>(rows);
  Exchange<4>(rows);
  Exchange<2>(rows);
  Exchange<1>(rows);
}

// Weights of `keys` keys for all queries of the tile: exp(score - bound).
template <int keys>
inline void Weigh(Tile& tile, const float* k, float bias, float slope, int at) {
  Vec sum[keys][NV] = {};
#pragma GCC unroll 1
  for (int d = 0; d < D; ++d) {
#pragma GCC unroll 16
    for (int j = 0; j < keys; ++j) {
      const Vec key = Spread(k[j * D + d]);
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) sum[j][n] += key * tile.query[d][n];
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < keys; ++j)
#pragma GCC unroll 4
    for (int n = 0; n < NV; ++n) {
      const Vec e = Exp2(sum[j][n] + (bias - slope * j) - tile.largest[n]);
      tile.weight[at + j][n] = e;
      tile.sum[n] += e;
    }
}

// The largest score of each query, exactly: where the bound is too far away.
void FindLargest(Tile& tile, const float* k, float slope, int S) {
  for (int n = 0; n < NV; ++n) tile.largest[n] = Vec{} - INFINITY;
  for (int j = 0; j < S; ++j)
    for (int n = 0; n < NV; ++n) {
      Vec sum = Vec{} - slope * j;
      for (int d = 0; d < D; ++d) sum += k[(long long)j * D + d] * tile.query[d][n];
      tile.largest[n] = Max(tile.largest[n], sum);
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
      for (int e = 0; e < DB; ++e) {
        const Vec value = Spread(v[j * D + d + e]);
#pragma GCC unroll 4
        for (int n = 0; n < NV; ++n) sum[e][n] += value * tile.weight[j][n];
      }
    }
#pragma GCC unroll 16
    for (int e = 0; e < DB; ++e)
#pragma GCC unroll 4
      for (int n = 0; n < NV; ++n) tile.out[d + e][n] = sum[e][n];
  }
}

// Queries of the tile, transposed; rows beyond the last are zero. The sum of squares goes where the bound will be.
void Load(Tile& tile, const float* q, int rows, float scale) {
  for (int n = 0; n < NV; ++n) {
    Vec square = Vec{};
    for (int d = 0; d < D; d += W) {
      Vec block[W];
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i)
        block[i] = n * W + i < rows ? *(const Loose*)(q + (long long)(n * W + i) * D + d) * scale : Vec{};
      Transpose(block);
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) {
        tile.query[d + i][n] = block[i];
        square += block[i] * block[i];
      }
    }
    tile.largest[n] = square;
  }
}

void Write(const Tile& tile, float* o, int rows) {
  for (int n = 0; n < NV; ++n) {
    const Vec inverse = 1.f / tile.sum[n];
    for (int d = 0; d < D; d += W) {
      Vec block[W];
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i) block[i] = tile.out[d + i][n] * inverse;
      Transpose(block);
      for (int i = 0; i < W && n * W + i < rows; ++i) *(Loose*)(o + (long long)(n * W + i) * D + d) = block[i];
    }
  }
}

void Walk(Tile& tile, const float* k, const float* v, int S, float slope) {
  for (int n = 0; n < NV; ++n) tile.sum[n] = Vec{};
  for (int d = 0; d < D; ++d)
    for (int n = 0; n < NV; ++n) tile.out[d][n] = Vec{};
  for (int key = 0; key < S; key += KEYS) {
    const int count = std::min(KEYS, S - key);
    int j = 0;
    for (; j + KB <= count; j += KB) Weigh<KB>(tile, k + (long long)(key + j) * D, -slope * (key + j), slope, j);
    for (; j < count; ++j) Weigh<1>(tile, k + (long long)(key + j) * D, -slope * (key + j), slope, j);
    AddValues(tile, v + (long long)key * D, count);
  }
}

// `longest`: the length of the longest key. No score is above the product of the lengths, by Cauchy and Schwarz.
void Attend(Tile& tile, const float* q, const float* k, const float* v, float* o, int rows, int S, float scale,
            float slope, float longest) {
  Load(tile, q, rows, scale);
  const float bias = std::max(0.f, -slope * (S - 1));
  bool vanished = false;
  for (int n = 0; n < NV; ++n)
    for (int lane = 0; lane < W; ++lane) tile.largest[n][lane] = std::sqrt(tile.largest[n][lane]) * longest + bias;
  Walk(tile, k, v, S, slope);
  for (int n = 0; n < NV; ++n)
    for (int lane = 0; lane < W; ++lane) vanished |= tile.sum[n][lane] < 1e-25f;
  if (vanished) {
    FindLargest(tile, k, slope, S);
    Walk(tile, k, v, S, slope);
  }
  Write(tile, o, rows);
}

float Longest(const float* k, int S) {
  float longest = 0;
  for (int j = 0; j < S; ++j) {
    Vec sum = Vec{};
    for (int d = 0; d < D; d += W) {
      const Vec part = *(const Loose*)(k + (long long)j * D + d);
      sum += part * part;
    }
    float square = 0;
    for (int lane = 0; lane < W; ++lane) square += sum[lane];
    longest = std::max(longest, square);
  }
  return std::sqrt(longest);
}

}  // namespace

extern "C" void attention(const float* q, const float* k, const float* v, float* o, float scale, float slope, int B,
                          int H, int S) {
  scale *= 1.44269504f;  // scores in powers of two
  slope *= 1.44269504f;
  const int tiles = (S + kRows - 1) / kRows;
#pragma omp parallel
  {
    Tile tile;
    int known = -1;
    float longest = 0;
#pragma omp for collapse(2) schedule(static)
    for (int head = 0; head < B * H; ++head)
      for (int t = 0; t < tiles; ++t) {
        const long long from = (long long)head * S * D;
        const long long first = from + (long long)t * kRows * D;
        if (known != head) longest = Longest(k + from, S);
        known = head;
        Attend(tile, q + first, k + from, v + from, o + first, std::min(kRows, S - t * kRows), S, scale, slope,
               longest);
      }
  }
}
