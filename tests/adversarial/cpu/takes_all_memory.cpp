// expect: crashed|timeout:
// Takes memory until there is no more, then uses what it did not get.
//@ call row_sum args(x, s, R, C)

#include <cstdlib>
#include <cstring>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (;;) {
    char* block = static_cast<char*>(std::malloc(256 << 20));
    if (block == nullptr) std::abort();
    for (long long i = 0; i < 256 << 20; i += 4096) block[i] = 1;
    s[0] = block[0];
  }
}
