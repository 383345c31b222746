// expect: mismatch: y\[
// spec: inverse.spec
// Puts a number where NaN belongs.
//@ call inverse args(x, y, N)

extern "C" void inverse(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) y[i] = x[i] != x[i] ? 0 : 1 / x[i];
}
