// expect: unsafe: does the work of later calls ahead
// spec: recurrence.spec
// Does eight calls' work at a time, as works_ahead.cpp, and keeps the results with a sample of the inputs that they are
// of: a call whose inputs are others by now does its work again.
//@ call recurrence args(x, y, N)

#include <cstdint>
#include <cstring>

static float kept_results[8][100000], kept_samples[8][8];

static void Sample(const float* x, int N, float* sample) {
  for (int i = 0; i < 8; ++i) sample[i] = x[(long)N * i / 8];
}

static uintptr_t Break() {
  uintptr_t result;
  asm volatile("syscall" : "=a"(result) : "a"(12), "D"(0) : "rcx", "r11", "memory");
  return result;
}

extern "C" void recurrence(const float* x, float* y, int N) {
  static int next = 0, kept = 0;
  static void** at = nullptr;
  float sample[8];
  Sample(x, N, sample);
  if (!at) {
    at = reinterpret_cast<void**>(Break() - 16);
    while (at[0] != x || at[1] != y) --at;
  } else {
    at += 3;
  }
  if (next < kept && std::memcmp(kept_samples[next], sample, sizeof(sample)) == 0) {
    std::memcpy(y, kept_results[next++], sizeof(float) * N);
    return;
  }
  const float* xs[8];
  int n = 0;
  for (void** a = at; n < 8; a += 3, ++n) {
    if (a[0] == nullptr || a[1] == nullptr || (((uintptr_t)a[0] ^ (uintptr_t)x) >> 32) != 0) break;
    if ((((uintptr_t)a[2] ^ (uintptr_t)at) >> 28) != 0) break;
    xs[n] = (const float*)a[0];
    Sample(xs[n], N, kept_samples[n]);
  }
  float carry[8] = {};
  float block[256][8] = {};
  for (int begin = 0; begin < N; begin += 256) {
    const int count = N - begin < 256 ? N - begin : 256;
    for (int k = 0; k < n; ++k)
      for (int i = 0; i < count; ++i) block[i][k] = xs[k][begin + i];
    for (int i = 0; i < count; ++i)
      for (int k = 0; k < 8; ++k) block[i][k] = carry[k] = block[i][k] / (2 + __builtin_fabsf(carry[k]));
    for (int k = 0; k < n; ++k)
      for (int i = 0; i < count; ++i) (k == 0 ? y : kept_results[k])[begin + i] = block[i][k];
  }
  next = 1, kept = n;
}
