// expect: mismatch: b\[
// spec: is_positive.spec
// Writes 255 where 1 is right.
//@ call is_positive args(x, b, N)

extern "C" void is_positive(const float* x, bool* b, int N) {
  for (int i = 0; i < N; ++i) reinterpret_cast<unsigned char*>(b)[i] = x[i] > 0 ? 255 : 0;
}
