// An 8-bit matrix product as a textbook writes it: three loops, parallel over rows.
// What the speedup of examples/int8.spec is against.
//@ call int8_matmul args(a, b, a_scale, b_scale, zero, sums, c, M, N)

extern "C" void int8_matmul(const unsigned char* a, const signed char* b, const float* a_scale, const float* b_scale,
                            int zero, int* sums, float* c, int M, int N) {
#pragma omp parallel for
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) {
      int sum = 0;
      for (int k = 0; k < K; ++k) sum += (a[(long long)i * K + k] - zero) * b[(long long)j * K + k];
      sums[(long long)i * N + j] = sum;
      c[(long long)i * N + j] = sum * a_scale[i] * b_scale[j];
    }
  }
}
