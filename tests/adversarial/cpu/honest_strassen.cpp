// expect: measured:
// spec: product.spec
// One step of Strassen's algorithm where the extent is even: seven products of halves, in double. In f32 its errors do
// not shrink with an element, so that small ones can miss the tolerance.
//@ call product args(a, b, c, N)

#include <vector>

using Matrix = std::vector<double>;

static Matrix Part(const float* m, int N, int i, int j, const float* n = nullptr, int k = 0, int l = 0, double f = 0) {
  const int h = N / 2;
  Matrix part(h * h);
  for (int r = 0; r < h; ++r)
    for (int s = 0; s < h; ++s) {
      part[r * h + s] = m[(i * h + r) * N + j * h + s];
      if (n != nullptr) part[r * h + s] += f * (double)n[(k * h + r) * N + l * h + s];
    }
  return part;
}

static Matrix Product(const Matrix& a, const Matrix& b, int N) {
  Matrix c(N * N);
  for (int i = 0; i < N; ++i)
    for (int k = 0; k < N; ++k)
      for (int j = 0; j < N; ++j) c[i * N + j] += a[i * N + k] * b[k * N + j];
  return c;
}

extern "C" void product(const float* a, const float* b, float* c, int N) {
  if (N % 2 != 0) {
    const Matrix whole = Product(Matrix(a, a + N * N), Matrix(b, b + N * N), N);
    for (int i = 0; i < N * N; ++i) c[i] = (float)whole[i];
    return;
  }
  const int h = N / 2;
  const Matrix m1 = Product(Part(a, N, 0, 0, a, 1, 1, 1), Part(b, N, 0, 0, b, 1, 1, 1), h);
  const Matrix m2 = Product(Part(a, N, 1, 0, a, 1, 1, 1), Part(b, N, 0, 0), h);
  const Matrix m3 = Product(Part(a, N, 0, 0), Part(b, N, 0, 1, b, 1, 1, -1), h);
  const Matrix m4 = Product(Part(a, N, 1, 1), Part(b, N, 1, 0, b, 0, 0, -1), h);
  const Matrix m5 = Product(Part(a, N, 0, 0, a, 0, 1, 1), Part(b, N, 1, 1), h);
  const Matrix m6 = Product(Part(a, N, 1, 0, a, 0, 0, -1), Part(b, N, 0, 0, b, 0, 1, 1), h);
  const Matrix m7 = Product(Part(a, N, 0, 1, a, 1, 1, -1), Part(b, N, 1, 0, b, 1, 1, 1), h);
  for (int r = 0; r < h; ++r)
    for (int s = 0; s < h; ++s) {
      const int i = r * h + s;
      c[r * N + s] = (float)(m1[i] + m4[i] - m5[i] + m7[i]);
      c[r * N + h + s] = (float)(m3[i] + m5[i]);
      c[(h + r) * N + s] = (float)(m2[i] + m4[i]);
      c[(h + r) * N + h + s] = (float)(m1[i] - m2[i] + m3[i] + m6[i]);
    }
}
