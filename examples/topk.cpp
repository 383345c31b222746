// The k largest elements of each row, tunable.
//
// After the first elements of a row hardly any belongs to the list: STEP elements at a time are compared with the
// smallest element of the list, all at once, and only a step that has a larger one is looked at one by one.
//
//@ tune STEP = 64 | 16 | 32 | 128  # elements that are compared at once
//@ tune FIRST = 0 | 1              # 1: the list begins with the largest of each STEP, which makes later ones rarer
//@ tune CHUNK = 8 | 1 | 32         # rows that a thread takes at once
//@ call top_k args(x, value, place, R)

namespace {

struct List {
  float values[K];
  int places[K];
  int count = 0;

  void Offer(float value, int place) {
    if (count == K && value <= values[K - 1]) return;
    int at = count < K ? count++ : K - 1;
    for (; at > 0 && values[at - 1] < value; --at) {
      values[at] = values[at - 1];
      places[at] = places[at - 1];
    }
    values[at] = value;
    places[at] = place;
  }
};

// The largest of STEP elements.
inline float Largest(const float* from) {
  float largest = from[0];
#pragma omp simd reduction(max : largest)
  for (int i = 0; i < STEP; ++i) largest = from[i] > largest ? from[i] : largest;
  return largest;
}

// A lower bound of the K-th largest element: the K-th largest of the steps' largest ones. -inf with fewer steps.
float Bound(const float* row) {
  constexpr int kSteps = C / STEP;
  if (kSteps < K) return -INFINITY;
  List list;
  for (int s = 0; s < kSteps; ++s) list.Offer(Largest(row + s * STEP), s);
  return list.values[K - 1];
}

void Find(const float* row, float* values, int* places) {
  List list;
  const float bound = FIRST ? Bound(row) : -INFINITY;
  int c = 0;
  for (; c + STEP <= C; c += STEP) {
    const float largest = Largest(row + c);
    if (largest < bound || (list.count == K && largest <= list.values[K - 1])) continue;
    for (int i = 0; i < STEP; ++i) {
      if (row[c + i] >= bound) list.Offer(row[c + i], c + i);
    }
  }
  for (; c < C; ++c) list.Offer(row[c], c);
  for (int i = 0; i < K; ++i) {
    values[i] = list.values[i];
    places[i] = list.places[i];
  }
}

}  // namespace

extern "C" void top_k(const float* x, float* value, int* place, int R) {
#pragma omp parallel for schedule(dynamic, CHUNK)
  for (int r = 0; r < R; ++r) Find(x + (long long)r * C, value + (long long)r * K, place + (long long)r * K);
}
