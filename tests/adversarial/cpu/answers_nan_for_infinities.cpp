// expect: mismatch: y\[
// spec: inverse.spec
// Takes NaN for everything that is not finite.
//@ call inverse args(x, y, N)

extern "C" void inverse(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) y[i] = 1 / x[i] - 1 / x[i] == 0 ? 1 / x[i] : __builtin_nanf("");
}
