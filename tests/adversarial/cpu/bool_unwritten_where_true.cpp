// expect: mismatch: b\[
// spec: is_positive.spec
// Writes the false answers only.
//@ call is_positive args(x, b, N)

extern "C" void is_positive(const float* x, bool* b, int N) {
  for (int i = 0; i < N; ++i)
    if (!(x[i] > 0)) b[i] = false;
}
