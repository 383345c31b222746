// The k largest elements as a textbook finds them: insertion into a sorted list, parallel over rows.
// What the speedup of examples/topk.spec is against.
//@ call top_k args(x, value, place, R)

extern "C" void top_k(const float* x, float* value, int* place, int R) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    const float* row = x + (long long)r * C;
    float* values = value + (long long)r * K;
    int* places = place + (long long)r * K;
    int count = 0;
    for (int c = 0; c < C; ++c) {
      if (count == K && row[c] <= values[K - 1]) continue;
      int at = count < K ? count++ : K - 1;
      for (; at > 0 && values[at - 1] < row[c]; --at) {
        values[at] = values[at - 1];
        places[at] = places[at - 1];
      }
      values[at] = row[c];
      places[at] = c;
    }
  }
}
