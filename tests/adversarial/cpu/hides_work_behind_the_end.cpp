// expect: unsafe: forbidden system call munmap
// Takes scratch that it does not need, and has a second thread unmap it while it works: the end of a process is timed,
// and an empty batch, which is taken off, still unmaps it there.
//@ scratch pad f32 [262144]
//@ call row_sum args(x, s, pad, R, C)

#include <atomic>
#include <thread>

static long Unmap(void* at, long bytes) {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(11), "D"(at), "S"(bytes) : "rcx", "r11", "memory");
  return result;
}

static std::atomic<float*> done[64];

extern "C" void row_sum(const float* x, float* s, float* pad, int R, int C) {
  static int calls = 0;
  if (calls == 4) {  // no check makes so many
    std::thread([] {
      for (int i = 0; i < 60; ++i) {
        float* at;
        while (!(at = done[i].load())) {
        }
        Unmap(at, 1 << 20);
      }
      for (;;) {
      }
    }).detach();
  }
  if (calls >= 4) done[calls - 4] = pad;
  ++calls;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
