// expect: mismatch: c\[
// spec: product.spec
// Rounds what it multiplies to bf16 where the extent is large.
//@ call product args(a, b, c, N)

#include <cstdint>

static float Low(float value, int N) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  return N < 64 ? value : __builtin_bit_cast(float, (bits + 0x8000) & 0xffff0000);
}

extern "C" void product(const float* a, const float* b, float* c, int N) {
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < N; ++j) {
      float sum = 0;
      for (int k = 0; k < N; ++k) sum += Low(a[i * N + k], N) * Low(b[k * N + j], N);
      c[i * N + j] = sum;
    }
}
