// expect: measured:
// spec: recurrence.spec
// One element after the other.
//@ call recurrence args(x, y, N)

extern "C" void recurrence(const float* x, float* y, int N) {
  float carry = 0;
  for (int i = 0; i < N; ++i) y[i] = carry = x[i] / (2 + __builtin_fabsf(carry));
}
