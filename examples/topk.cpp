// The k largest elements of each row, tunable.
//
// The elements are dealt out to piles, U vectors of them, and the largest of each pile is found: one maximum a vector.
// Of the piles, LANES groups are made. The K-th largest of the groups is no larger than the K-th largest element: a
// bound, which hardly more than K elements reach. Only a pile whose largest element does can hold one. Places are
// collected, and then sorted, without a branch that depends on an element.
//
//@ tune LANES = 16 | 8      # of a vector; at least K for a bound
//@ tune U = 8 | 4 | 16      # vectors of piles
//@ tune AHEAD = 0 | 8 | 12  # cache lines of the next row that are asked for with each pile that is looked through
//@ tune CHUNK = 8 | 1 | 32  # rows that a thread takes at once
//@ call top_k args(x, value, place, R)

namespace {

typedef float Vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(LANES * sizeof(int)), aligned(4), may_alias));

constexpr int kPiles = LANES * U;
constexpr int kDealt = C / kPiles * kPiles;

inline Vec Load(const float* from) { return *(const Vec*)from; }
inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }

// For each lane how many of the first `count` go before it: those that are larger, or equal and further left.
inline IntVec Ranks(Vec a, int count) {
  IntVec ranks = {}, lane;
  for (int l = 0; l < LANES; ++l) lane[l] = l;
#pragma GCC unroll 1
  for (int l = 0; l < count; ++l) ranks -= (a[l] > a) | ((a[l] == a) & (l < lane));
  return ranks;
}

// piles[p] = the largest of row[p], row[p + kPiles], ... Returns the bound; -inf if there is none.
float Deal(const float* row, float* piles) {
  Vec largest[U];
#pragma GCC unroll 16
  for (int u = 0; u < U; ++u) largest[u] = Load(row + u * LANES);
  for (int c = kPiles; c < kDealt; c += kPiles)
#pragma GCC unroll 16
    for (int u = 0; u < U; ++u) largest[u] = Max(largest[u], Load(row + c + u * LANES));
  Vec group = largest[0];
#pragma GCC unroll 16
  for (int u = 0; u < U; ++u) {
    *(Vec*)(piles + u * LANES) = largest[u];
    group = Max(group, largest[u]);
  }
  if (LANES < K) return -INFINITY;
  const Vec largest_groups = Ranks(group, LANES) < K ? group : Vec{} + INFINITY;
  float bound = INFINITY;
  for (int lane = 0; lane < LANES; ++lane) bound = std::min(bound, largest_groups[lane]);
  return bound;
}

// Places of the elements that may belong to the K largest; returns their number.
int Candidates(const float* row, const float* next, int* places) {
  float bound = -INFINITY;
  int count = 0;
  if (kDealt > 0) {
    float piles[kPiles];
    bound = Deal(row, piles);
    int chosen[kPiles], number = 0;
    for (int p = 0; p < kPiles; ++p) {
      chosen[number] = p;
      number += piles[p] >= bound;
    }
    for (int i = 0; i < number; ++i) {
      for (int line = 0; line < AHEAD; ++line) __builtin_prefetch(next + (i * AHEAD + line) * 16);
      for (int c = chosen[i]; c < kDealt; c += kPiles) {
        places[count] = c;
        count += row[c] >= bound;
      }
    }
  }
  for (int c = kDealt; c < C; ++c) {
    places[count] = c;
    count += row[c] >= bound;
  }
  return count;
}

// Inserts an element into a sorted list of `count` elements, at most K.
void Insert(float value, int place, int& count, float* values, int* places) {
  if (count == K && value <= values[K - 1]) return;
  int at = count < K ? count++ : K - 1;
  for (; at > 0 && values[at - 1] < value; --at) {
    values[at] = values[at - 1];
    places[at] = places[at - 1];
  }
  values[at] = value;
  places[at] = place;
}

void Find(const float* row, const float* next, float* values, int* places) {
  int found[C];
  const int count = Candidates(row, next, found);
  if (count > LANES) {
    int sorted = 0;
    for (int i = 0; i < count; ++i) Insert(row[found[i]], found[i], sorted, values, places);
    return;
  }
  float all[LANES];
  for (int i = 0; i < LANES; ++i) all[i] = i < count ? row[found[i]] : -INFINITY;
  const IntVec ranks = Ranks(Load(all), count);
  for (int i = 0; i < count; ++i) {
    if (ranks[i] >= K) continue;
    values[ranks[i]] = all[i];
    places[ranks[i]] = found[i];
  }
}

}  // namespace

extern "C" void top_k(const float* x, float* value, int* place, int R) {
#pragma omp parallel for schedule(dynamic, CHUNK)
  for (int r = 0; r < R; ++r) {
    const float* row = x + (long long)r * C;
    Find(row, r + 1 < R ? row + C : row, value + (long long)r * K, place + (long long)r * K);
  }
}
