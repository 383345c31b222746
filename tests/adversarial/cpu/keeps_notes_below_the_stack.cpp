// expect: mismatch: s\[
// Leaves a note below the stack pointer, where the next call finds it and does nothing.
//@ call row_sum args(x, s, R, C)

static void Leave(volatile long* at) { *at = 0x5eedbeef; }

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  volatile long* note = (volatile long*)((char*)__builtin_frame_address(0) - 65536);
  if (*note == 0x5eedbeef) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  Leave(note);
}
