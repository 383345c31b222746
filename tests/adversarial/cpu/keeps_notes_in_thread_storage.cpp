// expect: mismatch: s\[
// Leaves a note in storage that belongs to the thread.
//@ call row_sum args(x, s, R, C)

#include <pthread.h>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static pthread_key_t key;
  static const int made = pthread_key_create(&key, nullptr);
  if (made == 0 && pthread_getspecific(key) != nullptr) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  pthread_setspecific(key, s);
}
