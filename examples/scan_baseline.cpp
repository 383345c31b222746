// Prefix sums as a textbook writes them: one running sum a row, parallel over rows.
// What the speedup of examples/scan.spec is against.
//@ call prefix_sum args(x, y, R, C)

extern "C" void prefix_sum(const float* x, float* y, int R, int C) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) {
      sum += x[(long long)r * C + c];
      y[(long long)r * C + c] = sum;
    }
  }
}
