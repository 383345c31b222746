// The right answer; WRONG picks one of several mistakes, each of which must be found.
//@ tune WRONG = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7
//@ scratch sums f32 [G]
//@ zero sums
//@ call segments args(start, x, weight, shift, twice, count, y, positive, place, sums, G)

extern "C" void segments(const int* start, const float* x, const kopt_bf16* weight, float shift, int twice,
                         long long* count, float* y, bool* positive, int* place, float* sums, int G) {
  for (int g = 0; g < G; ++g) {
    int best = -1;
    for (int i = start[g]; i < start[g + 1]; ++i) {
      sums[g] += x[i];
      if (best < 0 || x[i] >= x[best]) best = i;  // the last of equal ones: legal, the reference takes the first
    }
    if (WRONG == 1 && g == G - 1) best = start[g];
    count[g] += WRONG == 2 ? 1 : twice * (start[g + 1] - start[g]);
    y[3 * g] = sums[g] * (float)weight[g] + (WRONG == 3 ? 0 : shift);
    y[3 * g + 1] = best < 0 ? 0.f : x[best];
    if (WRONG == 4 && g < G - 1) y[3 * g + 2] = 0;
    positive[g] = WRONG == 5 ? true : start[g] < start[g + 1] && x[start[g]] > 0;
    place[g] = WRONG == 6 ? start[g] : best;
  }
  if (WRONG == 7) *(const_cast<float*>(x)) = 0;
}
