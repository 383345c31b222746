// Layer normalisation as a textbook writes it: three loops over a row, parallel over rows.
// What the speedup of examples/layernorm.spec is against.
//@ call layer_norm args(x, gain, bias, eps, y, R)

extern "C" void layer_norm(const float* x, const float* gain, const float* bias, float eps, float* y, int R) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    const float* in = x + (long long)r * C;
    float* out = y + (long long)r * C;
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += in[c];
    const float mean = sum / C;
    float squares = 0;
    for (int c = 0; c < C; ++c) squares += (in[c] - mean) * (in[c] - mean);
    const float scale = 1 / std::sqrt(squares / C + eps);
    for (int c = 0; c < C; ++c) out[c] = (in[c] - mean) * scale * gain[c] + bias[c];
  }
}
