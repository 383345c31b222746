// expect: mismatch: y\[
// spec: tiny.spec
// A product that flushes small results to zero, which is faster on no device.
//@ launch tiny grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void tiny(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) asm("mul.ftz.f32 %0, %1, 0f00080000;" : "=f"(y[i]) : "f"(x[i]));
}
