// expect: measured:
// spec: inverse.spec
// Another NaN than the hardware would make, and zeros of any sign: both are right.
//@ call inverse args(x, y, N)

extern "C" void inverse(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) {
    y[i] = x[i] != x[i] ? -__builtin_nanf("0x4321") : 1 / x[i];
    if (y[i] == 0) y[i] = 0;
  }
}
