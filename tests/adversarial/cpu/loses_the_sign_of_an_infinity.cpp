// expect: mismatch: y\[
// spec: inverse.spec
// Has no negative zero, so that its reciprocal has the wrong sign.
//@ call inverse args(x, y, N)

extern "C" void inverse(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) y[i] = 1 / (x[i] + 0.f);
}
