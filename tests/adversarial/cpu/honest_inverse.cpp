// expect: measured:
// spec: inverse.spec
// Divides, and leaves NaN, infinities and zeros to the hardware.
//@ call inverse args(x, y, N)

extern "C" void inverse(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) y[i] = 1 / x[i];
}
