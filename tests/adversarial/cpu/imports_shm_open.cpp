// expect: rejected: shm_open
// Opens shared memory.
//@ call row_sum args(x, s, R, C)

#include <fcntl.h>
#include <sys/mman.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = static_cast<float>(shm_open("/kopt", O_RDWR, 0600));
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
