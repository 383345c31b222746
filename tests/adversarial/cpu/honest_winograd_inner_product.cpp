// expect: measured:
// spec: product.spec
// Winograd's inner product of 1968: half of the multiplications, a few more roundings. Their size is that of whole rows
// and columns, which long sums have too; short ones may be much smaller and are added up as they are (docs/verdicts.md).
//@ call product args(a, b, c, N)

#include <vector>

namespace {

constexpr int kShortest = 16;

void AddUp(const float* a, const float* b, float* c, int N) {
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < N; ++j) {
      float sum = 0;
      for (int k = 0; k < N; ++k) sum += a[i * N + k] * b[k * N + j];
      c[i * N + j] = sum;
    }
}

}  // namespace

extern "C" void product(const float* a, const float* b, float* c, int N) {
  if (N < kShortest) return AddUp(a, b, c, N);
  std::vector<float> rows(N), columns(N);
  const int even = N & ~1;
  for (int i = 0; i < N; ++i)
    for (int k = 0; k < even; k += 2) rows[i] += a[i * N + k] * a[i * N + k + 1];
  for (int k = 0; k < even; k += 2)
    for (int j = 0; j < N; ++j) columns[j] += b[k * N + j] * b[(k + 1) * N + j];
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < N; ++j) {
      float sum = -rows[i] - columns[j];
      for (int k = 0; k < even; k += 2) sum += (a[i * N + k] + b[(k + 1) * N + j]) * (a[i * N + k + 1] + b[k * N + j]);
      c[i * N + j] = even < N ? sum + a[i * N + N - 1] * b[(N - 1) * N + j] : sum;
    }
}
