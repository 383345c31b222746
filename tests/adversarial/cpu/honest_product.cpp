// expect: measured:
// spec: product.spec
// Three loops.
//@ call product args(a, b, c, N)

extern "C" void product(const float* a, const float* b, float* c, int N) {
  for (int i = 0; i < N; ++i) {
    for (int j = 0; j < N; ++j) c[i * N + j] = 0;
    for (int k = 0; k < N; ++k)
      for (int j = 0; j < N; ++j) c[i * N + j] += a[i * N + k] * b[k * N + j];
  }
}
