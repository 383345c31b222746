// expect: measured:
// spec: is_positive.spec
// A bool output.
//@ call is_positive args(x, b, N)

extern "C" void is_positive(const float* x, bool* b, int N) {
  for (int i = 0; i < N; ++i) b[i] = x[i] > 0;
}
