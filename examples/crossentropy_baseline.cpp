// Masked cross-entropy as a textbook writes it: two loops over a row, parallel over rows, then the mean.
// What the speedup of examples/crossentropy.spec is against.
//@ call losses args(logits, mask, label, loss, R)
//@ call average args(loss, mask, mean, R)

extern "C" void losses(const float* logits, const bool* mask, const int* label, float* loss, int R) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    loss[r] = 0;
    if (!mask[r]) continue;
    const float* row = logits + (long long)r * C;
    float largest = row[0];
    for (int c = 1; c < C; ++c) largest = std::max(largest, row[c]);
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += std::exp(row[c] - largest);
    loss[r] = std::log(sum) + (largest - row[label[r]]);
  }
}

extern "C" void average(float* loss, const bool* mask, float* mean, int R) {
  float sum = 0;
  int count = 0;
  for (int r = 0; r < R; ++r) {
    sum += loss[r];
    count += mask[r];
  }
  mean[0] = sum / count;
}
