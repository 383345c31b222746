// expect: measured:
// spec: tiny.spec
// One product for each element.
//@ call tiny args(x, y, N)

extern "C" void tiny(const float* x, float* y, int N) {
  for (int i = 0; i < N; ++i) y[i] = x[i] * 0x1p-130f;
}
