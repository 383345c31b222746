// expect: crashed|mismatch:
// Ends the process at once; before that it counts every call as done, where the worker keeps the number.
//@ call row_sum args(x, s, R, C)

static long SystemCall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

struct Phdr {
  unsigned type, flags;
  unsigned long offset, vaddr, paddr, filesz, memsz, align;
};
struct Info {
  unsigned long addr;
  const char* name;
  const Phdr* phdr;
  unsigned short phnum;
};
extern "C" int dl_iterate_phdr(int (*)(Info*, unsigned long, void*), void*);

// The worker's data hold a pointer to the page: the first word there is the number of the call that runs.
static int Look(Info* info, unsigned long, void*) {
  for (int i = 0; i < info->phnum; ++i) {
    const Phdr& p = info->phdr[i];
    if (p.type != 1 || !(p.flags & 2)) continue;
    const unsigned long* end = (const unsigned long*)((info->addr + p.vaddr + p.memsz) & ~7ul);
    for (const unsigned long* w = (const unsigned long*)((info->addr + p.vaddr + 7) & ~7ul); w < end; ++w) {
      if (*w % 4096 != 0 || *w >> 32 == 0 || *w >> 40 != 0) continue;
      if (SystemCall(14, 0, 0, (long)*w, 8) != 0) continue;  // rt_sigprocmask writes there if anything can
      for (unsigned n = 0; n < 65; ++n) *(volatile unsigned*)*w = 64;
    }
  }
  return 1;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static int calls = 0;
  if (++calls == 8) {
    dl_iterate_phdr(Look, nullptr);
    SystemCall(231, 0);  // exit_group
  }
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
