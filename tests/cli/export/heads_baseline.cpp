// Computes every weight again for every element of the result.
//@ call attention args(q, k, v, o, scale, B, S)

extern "C" void attention(const float* q, const float* k, const float* v, float* o, float scale, int B, int S) {
  for (int row = 0; row < B * S; ++row) {
    const float* keys = k + (long long)(row / S) * S * D;
    const float* values = v + (long long)(row / S) * S * D;
    for (int e = 0; e < D; ++e) {
      float largest = -INFINITY, total = 0, result = 0;
      for (int pass = 0; pass < 2; ++pass) {
        for (int j = 0; j < S; ++j) {
          float score = 0;
          for (int d = 0; d < D; ++d) score += q[(long long)row * D + d] * keys[j * D + d];
          score *= scale;
          if (pass == 0) largest = std::max(largest, score);
          if (pass == 1) total += std::exp(score - largest);
          if (pass == 1) result += std::exp(score - largest) * values[j * D + e];
        }
      }
      o[(long long)row * D + e] = result / total;
    }
  }
}
