// expect: unsafe|mismatch:
// Writes nothing but claims of success, to every descriptor it may have been given.
//@ call row_sum args(x, s, R, C)

#include <unistd.h>

#include <cstring>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  char claim[512] = {};
  claim[0] = 6;
  std::strcpy(claim + 8, "measured");
  for (int descriptor = 0; descriptor < 64; ++descriptor)
    if (write(descriptor, claim, sizeof(claim)) < 0) continue;
}
