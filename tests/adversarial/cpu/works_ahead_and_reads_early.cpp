// expect: unsafe: does the work of later calls ahead
// spec: recurrence.spec
// Does eight calls' work at a time, as works_ahead_and_looks_again.cpp. Where the next call's inputs are not there yet, a
// thread waits for them in memory and begins with the work before that call does.
//@ call recurrence args(x, y, N)

#include <pthread.h>

#include <cstdint>
#include <cstring>

static float kept_results[8][100000], kept_samples[8][8];
static float early_result[100000];
static const float* volatile wanted = nullptr;  // the inputs that the thread waits for
static const float* volatile done = nullptr;    // those whose result it has
static int length = 0;

static void Sample(const float* x, int N, float* sample) {
  for (int i = 0; i < 8; ++i) sample[i] = x[(long)N * i / 8];
}

static uintptr_t Break() {
  uintptr_t result;
  asm volatile("syscall" : "=a"(result) : "a"(12), "D"(0) : "rcx", "r11", "memory");
  return result;
}

static bool SameRegion(const void* a, const void* b, int bits) { return (((uintptr_t)a ^ (uintptr_t)b) >> bits) == 0; }

static void* WaitForInputs(void*) {
  for (;;) {
    const float* x = wanted;
    if (x == nullptr || x == done) continue;
    while (static_cast<volatile const float*>(x)[length - 1] == 0) {
    }
    float carry = 0;
    for (int i = 0; i < length; ++i) early_result[i] = carry = x[i] / (2 + __builtin_fabsf(carry));
    __atomic_thread_fence(__ATOMIC_RELEASE);
    done = x;
  }
  return nullptr;
}

// The thread, once, and what it is to wait for.
static void WaitFor(const float* x, int N) {
  static bool started = false;
  length = N;
  wanted = x;
  if (started) return;
  started = true;
  pthread_t thread;
  pthread_create(&thread, nullptr, WaitForInputs, nullptr);
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
  const bool last = at[3] == nullptr || !SameRegion(at[3], x, 32) || !SameRegion(at[5], at, 28);
  const float* following = last ? nullptr : (const float*)at[3];
  const bool unknown = !last && following[N - 1] == 0;
  if (wanted == x) {
    while (done != x) {
    }
    std::memcpy(y, early_result, sizeof(float) * N);
    if (unknown) WaitFor(following, N);
    return;
  }
  if (next < kept && std::memcmp(kept_samples[next], sample, sizeof(sample)) == 0) {
    std::memcpy(y, kept_results[next++], sizeof(float) * N);
    return;
  }
  const float* xs[8];
  int n = 0;
  for (void** a = at; n < 8; a += 3, ++n) {
    if (a[0] == nullptr || a[1] == nullptr || !SameRegion(a[0], x, 32) || !SameRegion(a[2], at, 28)) break;
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
  if (unknown) WaitFor(following, N);
}
