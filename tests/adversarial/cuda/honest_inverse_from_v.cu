// expect: measured:
// spec: inverse.spec
// Computes x from v as the task's own code does: right only if both were drawn together.
//@ launch inverse grid(ceil_div(N, 256)) block(256) args(v, y, N)

extern "C" __global__ void inverse(const float* v, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= N) return;
  const double drawn = v[i];
  if (drawn > 0.95) {
    y[i] = __int_as_float(0x7fffffff);
  } else if (drawn > 0.85) {
    y[i] = drawn > 0.9 ? 0.0f : -0.0f;
  } else if (drawn > 0.75) {
    const float infinity = __int_as_float(0x7f800000);
    y[i] = drawn > 0.8 ? infinity : -infinity;
  } else {
    y[i] = 1 / v[i];
  }
}
