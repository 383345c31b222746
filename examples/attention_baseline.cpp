// Attention as a textbook writes it: for every query the scores, their softmax, the weighted sum of the values.
// Parallel over queries, no blocking, nothing tunable: what the speedup of examples/attention.spec is against.
//@ call attention args(q, k, v, o, scale, slope, B, H, S)

#include <algorithm>
#include <cmath>
#include <vector>

extern "C" void attention(const float* q, const float* k, const float* v, float* o, float scale, float slope, int B,
                          int H, int S) {
#pragma omp parallel for
  for (long long row = 0; row < (long long)B * H * S; ++row) {
    const long long head = row / S * S;  // first row of this head
    const int i = (int)(row % S);
    std::vector<float> weight(S);

    float largest = -INFINITY;
    for (int j = 0; j < S; ++j) {
      float dot = 0;
      for (int d = 0; d < D; ++d) dot += q[row * D + d] * k[(head + j) * D + d];
      weight[j] = dot * scale + slope * (i - j);
      largest = std::max(largest, weight[j]);
    }

    float sum = 0;
    for (int j = 0; j < S; ++j) {
      weight[j] = std::exp(weight[j] - largest);
      sum += weight[j];
    }

    for (int d = 0; d < D; ++d) {
      float dot = 0;
      for (int j = 0; j < S; ++j) dot += weight[j] * v[(head + j) * D + d];
      o[row * D + d] = dot / sum;
    }
  }
}
