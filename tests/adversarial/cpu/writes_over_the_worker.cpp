// expect: crashed:
// Fills the worker's stack, from its own frame upwards.
//@ call row_sum args(x, s, R, C)

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  volatile long* at = (volatile long*)__builtin_frame_address(0);
  for (int i = 0; i < 1 << 20; ++i) at[i] = 0x4242424242424242;
}
