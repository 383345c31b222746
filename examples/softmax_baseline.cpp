// Softmax over rows as a textbook writes it: three loops over a row, parallel over rows.
// What the speedup of examples/softmax.spec is against.
//@ call softmax args(x, y, R)

#include <algorithm>
#include <cmath>

extern "C" void softmax(const float* x, float* y, int R) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    const float* in = x + (long long)r * C;
    float* out = y + (long long)r * C;
    float largest = in[0];
    for (int c = 1; c < C; ++c) largest = std::max(largest, in[c]);
    float sum = 0;
    for (int c = 0; c < C; ++c) {
      out[c] = std::exp(in[c] - largest);
      sum += out[c];
    }
    for (int c = 0; c < C; ++c) out[c] /= sum;
  }
}
