// expect: unsafe: writes outputs of a call after that has returned
// spec: recurrence.spec
// Only notes what it is asked for, and does eight calls' work in the eighth, or in the last one: what a batch leaves is
// right, what a call leaves is not.
//@ call recurrence args(x, y, N)

#include <cstdint>

static uintptr_t Break() {
  uintptr_t result;
  asm volatile("syscall" : "=a"(result) : "a"(12), "D"(0) : "rcx", "r11", "memory");
  return result;
}

extern "C" void recurrence(const float* x, float* y, int N) {
  static const float* xs[8];
  static float* ys[8];
  static int n = 0;
  static void** at = nullptr;
  xs[n] = x, ys[n++] = y;
  if (!at) {
    at = reinterpret_cast<void**>(Break() - 16);
    while (at[0] != x || at[1] != y) --at;
  } else {
    at += 3;
  }
  void** after = at + 3;
  const bool last = after[0] == nullptr || after[1] == nullptr || (((uintptr_t)after[0] ^ (uintptr_t)x) >> 32) != 0 ||
                    (((uintptr_t)after[2] ^ (uintptr_t)at) >> 28) != 0;
  if (n < 8 && !last) return;
  float carry[8] = {};
  float block[256][8] = {};
  for (int begin = 0; begin < N; begin += 256) {
    const int count = N - begin < 256 ? N - begin : 256;
    for (int k = 0; k < n; ++k)
      for (int i = 0; i < count; ++i) block[i][k] = xs[k][begin + i];
    for (int i = 0; i < count; ++i)
      for (int k = 0; k < 8; ++k) block[i][k] = carry[k] = block[i][k] / (2 + __builtin_fabsf(carry[k]));
    for (int k = 0; k < n; ++k)
      for (int i = 0; i < count; ++i) ys[k][begin + i] = block[i][k];
  }
  n = 0;
}
