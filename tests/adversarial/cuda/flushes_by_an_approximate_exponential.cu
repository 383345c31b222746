// expect: mismatch: y\[
// spec: tiny.spec
// Multiplies by an exponential that the hardware flushes: ex2.approx.ftz.
//@ launch tiny grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void tiny(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) {
    float e;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(e) : "f"(-65.0f));
    asm("mul.ftz.f32 %0, %1, %2;" : "=f"(e) : "f"(x[i] * e), "f"(e));
    y[i] = e;
  }
}
