// The product of two matrices as a textbook writes it: one sum per element, parallel over rows.
// What the speedup of examples/matmul.spec is against.
//@ call matmul args(a, b, c, M, N, K)

extern "C" void matmul(const float* a, const float* b, float* c, int M, int N, int K) {
#pragma omp parallel for
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j) {
      float sum = 0;
      for (int k = 0; k < K; ++k) sum += a[(long long)i * K + k] * b[(long long)k * N + j];
      c[(long long)i * N + j] = sum;
    }
}
